// memory: matchAll
// engine: goja

return [...'x'.repeat(1e7).matchAll(/x/g)].length
