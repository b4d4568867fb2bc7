// memory: replace by a global expression
// engine: goja

const s = 'x'.repeat(1e6); return s.replace(/x/g, '$&'.repeat(1e4))
