// an error that is its own message, thrown
// engine: goja

const e = new Error('x'); e.message = e; throw e
