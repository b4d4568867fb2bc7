// bigint: equal to a long text
// engine: goja

return 1n == '9'.repeat(2e7)
