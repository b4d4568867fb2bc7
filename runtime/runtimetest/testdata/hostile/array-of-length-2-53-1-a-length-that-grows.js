// array of length 2^53-1: a length that grows
// engine: goja

let n = 0; Array.prototype.indexOf.call({get length() { return n++ ? 2 ** 53 - 1 : 1; }}, 1)
