// memory: replaceAll
// engine: goja

const s = 'x'.repeat(1e6); return s.replaceAll('x', s)
