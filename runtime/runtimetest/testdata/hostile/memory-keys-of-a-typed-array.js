// memory: keys of a typed array
// engine: goja

Object.keys(new Uint8Array(6e7))
