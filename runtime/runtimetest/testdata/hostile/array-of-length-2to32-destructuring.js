// array of length 2^32-1: destructuring
// engine: goja

const a = []; a.length = 4294967295; const [...b] = a
