// array of length 2^32-1: sort

var a = []; a.length = 4294967295; a.sort()
