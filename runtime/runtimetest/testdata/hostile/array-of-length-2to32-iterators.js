// array of length 2^32-1: iterators
// engine: goja

const a = []; a.length = 4294967295; new Set(a.keys())
