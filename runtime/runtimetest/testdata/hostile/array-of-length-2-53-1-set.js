// array of length 2^53-1: set
// engine: goja

new Uint8Array(10).set({length: 2 ** 53 - 1})
