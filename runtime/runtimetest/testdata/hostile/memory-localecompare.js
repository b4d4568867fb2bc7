// memory: localeCompare
// engine: goja

return '\u00e9'.repeat(5e6).localeCompare('\u00e9'.repeat(5e6) + 'x')
