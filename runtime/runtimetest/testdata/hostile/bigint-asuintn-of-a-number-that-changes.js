// bigint: asUintN of a number that changes
// engine: goja

let n = 0; return String(BigInt.asUintN({valueOf() { return n++ ? 2 ** 52 : 1; }}, -1n))
