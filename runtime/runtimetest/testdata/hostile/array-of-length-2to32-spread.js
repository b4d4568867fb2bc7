// array of length 2^32-1: spread
// engine: goja

const a = []; a.length = 4294967295; return [...a].length
