// bigint: squares
// engine: goja

let x = 9n; for (;;) x = x * x
