// memory: encodeURIComponent
// engine: goja

return encodeURIComponent('\uFFFF'.repeat(2e7)).length
