// array of length 2^53-1: Reflect.construct
// engine: goja

Reflect.construct(Date, {length: 2 ** 53 - 1})
