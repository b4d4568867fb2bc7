// memory: upper case
// engine: goja

return '\u0390'.repeat(2e7).toUpperCase().length
