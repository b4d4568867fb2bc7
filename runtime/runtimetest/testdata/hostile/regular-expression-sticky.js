// regular expression: sticky
// engine: goja

const r = /(a+)+$/y; r.lastIndex = 1; r.test('a'.repeat(5000) + 'b')
