// array of length 2^32-1: shorten

var a = []; a.length = 4294967295; a.length = 0
