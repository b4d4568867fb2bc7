// bigint: asUintN
// engine: goja

BigInt.asUintN(2 ** 52, -1n)
