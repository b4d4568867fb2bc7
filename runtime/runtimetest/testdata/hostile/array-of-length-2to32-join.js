// array of length 2^32-1: join

var a = []; a.length = 4294967295; return a.join('x') + a
