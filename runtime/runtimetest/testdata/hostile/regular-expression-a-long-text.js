// regular expression: a long text

var s = 'a'.repeat(6e6); while (true) /b|c[^a]*z/.test(s)
