// array of length 2^32-1: stringify

var a = []; a.length = 4294967295; JSON.stringify(a)
