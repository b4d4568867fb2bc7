// nested arrays: flat
// engine: goja

let a = []; for (let i = 0; i < 2e5; i++) a = [a]; a.flat(Infinity)
