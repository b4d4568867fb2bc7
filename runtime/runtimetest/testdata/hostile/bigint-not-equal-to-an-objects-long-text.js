// bigint: not equal to an object's long text
// engine: goja

return {toString: () => '9'.repeat(2e7)} != 1n
