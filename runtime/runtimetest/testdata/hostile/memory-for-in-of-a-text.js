// memory: for...in of a text
// engine: goja

let n = 0; for (const k in new String('x'.repeat(5e7))) n++; return n
