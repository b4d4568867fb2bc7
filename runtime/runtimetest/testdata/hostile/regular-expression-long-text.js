// regular expression: long text

/(x|y|z)*(a|b|c){50}[^q]{100}$/.test('xyz'.repeat(1e6))
