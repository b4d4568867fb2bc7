// memory: typed array
// engine: goja

new Float64Array(1e11)
