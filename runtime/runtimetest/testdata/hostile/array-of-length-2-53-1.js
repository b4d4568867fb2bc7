// array of length 2^53-1
// engine: goja

Array.prototype.fill.call({length: 2 ** 53 - 1}, 1)
