// memory: a typed array as text
// engine: goja

return ('' + new Uint8Array(4.5e7)).length
