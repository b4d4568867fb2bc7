// regular expression: quadratic in a long text

('a'.repeat(6e6)).replace(/a(.*z)?/g, 'b')
