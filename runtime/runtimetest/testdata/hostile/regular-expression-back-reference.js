// regular expression: back-reference
// engine: goja

/^(a+)+\1$/.test('a'.repeat(50) + 'b')
