// array of length 2^32-1: defineProperties

var a = []; a[4294967294] = 1; Object.defineProperties(a, {length: {value: 0}})
