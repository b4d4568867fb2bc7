// a regular expression that is its own source
// engine: goja

const r = /x/; Object.defineProperty(r, 'source', {value: r}); String(r)
