// array of length 2^32-1: response

var a = []; a.length = 4294967295; return a
