// memory: ArrayBuffer
// engine: goja

new ArrayBuffer(1e12)
