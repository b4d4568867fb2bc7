// array of length 2^32-1: shorten by subtracting

var a = []; a[4294967294] = 1; a.length -= 4294967290
