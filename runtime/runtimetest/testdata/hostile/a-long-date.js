// a long date
// engine: goja

new Date('2'.repeat(1e7)); Date.parse('1 '.repeat(1e6))
