// bigint: squares of a property
// want: UNSUPPORTED
// engine: goja

const o = {x: 9n}; for (;;) o.x *= o.x
