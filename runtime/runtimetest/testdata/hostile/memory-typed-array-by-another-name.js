// memory: typed array by another name
// engine: goja

new globalThis['Float64' + 'Array'](1e11)
