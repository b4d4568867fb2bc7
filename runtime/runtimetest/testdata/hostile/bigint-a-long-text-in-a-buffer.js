// bigint: a long text in a buffer
// engine: goja

new DataView(new ArrayBuffer(8)).setBigInt64(0, '9'.repeat(2e7))
