// bigint: by another name
// engine: goja

const B = globalThis['B' + 'igInt']; let x = B(9); for (;;) x = x * x
