// memory: a typed array as JSON
// engine: goja

JSON.stringify(new Uint8Array(6e7))
