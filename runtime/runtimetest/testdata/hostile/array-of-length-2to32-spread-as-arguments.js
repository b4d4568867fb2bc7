// array of length 2^32-1: spread as arguments
// engine: goja

const a = []; a.length = 4294967295; return Math.max(...a)
