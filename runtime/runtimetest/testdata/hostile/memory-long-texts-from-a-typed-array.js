// memory: long texts from a typed array
// engine: goja

const l = Array(30).fill('9'.repeat(6e6)); Uint8Array.from(l)
