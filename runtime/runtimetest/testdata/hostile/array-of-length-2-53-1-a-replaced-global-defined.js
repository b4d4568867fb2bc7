// array of length 2^53-1: a replaced global, defined
// engine: goja

Object.defineProperty(globalThis, 'Arr' + 'ay', {value: {prototype: {}}});
[][('index' + 'Of')].call({length: 2 ** 53 - 1}, 1)
