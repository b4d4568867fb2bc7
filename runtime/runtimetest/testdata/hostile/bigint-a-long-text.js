// bigint: a long text
// engine: goja

BigInt('9'.repeat(1e7))
