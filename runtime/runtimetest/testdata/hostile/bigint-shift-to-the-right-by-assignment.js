// bigint: shift to the right by assignment
// engine: goja

let x = 1n; x >>= -100000000000n
