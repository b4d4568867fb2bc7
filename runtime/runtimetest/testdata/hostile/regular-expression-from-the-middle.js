// regular expression: from the middle
// engine: goja

const r = /(a+)+$/g; r.lastIndex = 1; r.test('a'.repeat(5000) + 'b')
