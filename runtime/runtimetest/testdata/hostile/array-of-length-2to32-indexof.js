// array of length 2^32-1: indexOf

var a = []; a.length = 4294967295; a.indexOf(1)
