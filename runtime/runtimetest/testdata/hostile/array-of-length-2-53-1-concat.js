// array of length 2^53-1: concat
// engine: goja

[].concat({length: 2 ** 53 - 1, [Symbol.isConcatSpreadable]: true})
