// memory: long texts as a typed array
// engine: goja

const l = Array(30).fill('9'.repeat(6e6)); new Float64Array(l)
