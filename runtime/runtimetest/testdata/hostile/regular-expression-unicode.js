// regular expression: unicode
// engine: goja

/(é+)+$/u.test('é'.repeat(50000) + 'b')
