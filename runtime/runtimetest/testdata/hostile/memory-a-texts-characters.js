// memory: a text's characters
// engine: goja

return [...'x'.repeat(5e7)]
