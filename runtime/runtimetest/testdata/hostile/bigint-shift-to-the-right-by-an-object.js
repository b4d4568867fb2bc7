// bigint: shift to the right by an object
// engine: goja

1n >> {valueOf: () => -100000000000n}
