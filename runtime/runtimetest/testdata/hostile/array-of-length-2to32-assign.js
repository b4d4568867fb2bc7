// array of length 2^32-1: assign

var a = []; a[4294967294] = 1; Object.assign(a, {length: 0})
