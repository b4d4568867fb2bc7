// array of length 2^53-1: a replaced global
// engine: goja

const real = Array;
globalThis['Arr' + 'ay'] = {prototype: {}};
[][('index' + 'Of')].call({length: 2 ** 53 - 1}, 1)
