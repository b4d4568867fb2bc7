// array of length 2^53-1: Reflect.apply
// engine: goja

Reflect.apply(Math.max, null, {length: 2 ** 53 - 1})
