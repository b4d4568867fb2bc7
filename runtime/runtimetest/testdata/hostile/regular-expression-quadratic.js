// regular expression: quadratic

('a'.repeat(2e6)).replace(/a(.*z)?/g, 'b')
