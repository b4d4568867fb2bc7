// bigint: shift
// engine: goja

return 1n << 10000000000n > 0n
