// array of length 2^32-1: defineProperty

var a = []; a[4294967294] = 1; Object.defineProperty(a, 'length', {value: 0})
