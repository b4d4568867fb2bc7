// array of length 2^32-1: shorten by an object

var a = []; a[4294967294] = 1; a[{toString: function () { return 'length'; }}] = 0
