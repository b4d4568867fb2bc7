// nested arrays as text
// engine: goja

let a = []; for (let i = 0; i < 3e5; i++) a = [a]; String(a)
