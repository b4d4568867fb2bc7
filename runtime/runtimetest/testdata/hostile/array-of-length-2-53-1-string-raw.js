// array of length 2^53-1: String.raw
// engine: goja

String.raw({raw: {length: 2 ** 53 - 1}})
