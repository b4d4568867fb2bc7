// bigint: shift to the right
// engine: goja

return 1n >> -100000000000n > 0n
