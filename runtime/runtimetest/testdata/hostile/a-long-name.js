// a long name
// engine: goja

const o = {}; o['x'.repeat(1e7)] = 1; return Object.keys(o)[0].length
