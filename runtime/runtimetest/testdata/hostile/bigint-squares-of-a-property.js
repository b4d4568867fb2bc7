// bigint: squares of a property
// engine: goja

const o = {x: 9n}; for (;;) o.x *= o.x
