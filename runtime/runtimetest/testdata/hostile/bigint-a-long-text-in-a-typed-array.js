// bigint: a long text in a typed array
// engine: goja

const a = new BigInt64Array(1); a[0] = '9'.repeat(2e7)
