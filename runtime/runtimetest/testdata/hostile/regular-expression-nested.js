// regular expression: nested

/(a+)+$/.test('a'.repeat(50000) + 'b')
