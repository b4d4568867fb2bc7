// nested arrays as a property name
// engine: goja

let a = []; for (let i = 0; i < 3e5; i++) a = [a]; ({})[a]
