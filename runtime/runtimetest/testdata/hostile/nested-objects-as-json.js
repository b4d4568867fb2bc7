// nested objects as JSON
// engine: goja

let a = {}; for (let i = 0; i < 2e5; i++) a = {a}; JSON.stringify(a)
