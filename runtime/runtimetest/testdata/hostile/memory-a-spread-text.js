// memory: a spread text
// engine: goja

return {...'x'.repeat(5e7)}
