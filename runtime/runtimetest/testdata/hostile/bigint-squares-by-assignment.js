// bigint: squares by assignment
// engine: goja

let x = 9n; for (;;) x *= x
