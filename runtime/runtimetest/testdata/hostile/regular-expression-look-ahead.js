// regular expression: look-ahead
// engine: goja

/^(?=(a+)+$)x/.test('a'.repeat(50) + 'b')
