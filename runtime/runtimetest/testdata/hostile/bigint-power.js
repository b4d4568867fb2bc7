// bigint: power
// engine: goja

return 9n ** 99999999n > 0n
