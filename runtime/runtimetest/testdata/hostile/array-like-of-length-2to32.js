// array-like of length 2^32-1

Array.prototype.reverse.call({length: 4294967295})
