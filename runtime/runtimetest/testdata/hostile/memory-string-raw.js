// memory: String.raw
// engine: goja

const s = 'x'.repeat(1e7); String.raw({raw: Array(1000).fill(s)})
