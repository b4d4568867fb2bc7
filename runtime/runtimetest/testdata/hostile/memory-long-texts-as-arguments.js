// memory: long texts as arguments
// engine: goja

const l = Array(30).fill('9'.repeat(6e6)); Math.min(...l)
