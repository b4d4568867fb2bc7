// regular expression: by match
// engine: goja

('a'.repeat(50) + 'b').match('^(?=(a+)+$)x')
