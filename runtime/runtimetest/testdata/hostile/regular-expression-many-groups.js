// regular expression: many groups
// engine: goja

new RegExp('(?=('.repeat(1e5) + '))'.repeat(1e5))
