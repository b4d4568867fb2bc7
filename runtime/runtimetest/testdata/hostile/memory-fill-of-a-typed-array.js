// memory: fill of a typed array
// engine: goja

const l = []; for (;;) l.push(new Uint8Array(1e6).fill(1))
