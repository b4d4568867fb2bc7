// bigint: compared with a long text
// engine: goja

const s = '9'.repeat(2e7); return [1n < s, s >= 1n]
