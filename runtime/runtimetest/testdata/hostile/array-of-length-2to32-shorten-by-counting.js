// array of length 2^32-1: shorten by counting

var a = []; a[4294967294] = 1; a.length = 5; for (a.length in {3: 1}) ; a.length--
