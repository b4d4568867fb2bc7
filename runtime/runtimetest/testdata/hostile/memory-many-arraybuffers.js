// memory: many ArrayBuffers
// engine: goja

const l = []; for (;;) l.push(new ArrayBuffer(1e7))
