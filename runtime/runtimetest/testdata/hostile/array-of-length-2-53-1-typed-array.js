// array of length 2^53-1: typed array
// engine: goja

new Float64Array({length: 2 ** 53 - 1})
