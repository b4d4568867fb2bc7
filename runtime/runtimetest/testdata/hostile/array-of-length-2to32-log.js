// array of length 2^32-1: log

var a = []; a.length = 4294967295; console.log(a)
