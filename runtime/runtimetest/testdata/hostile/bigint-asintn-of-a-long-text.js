// bigint: asIntN of a long text
// engine: goja

BigInt.asIntN(64, '9'.repeat(2e7))
