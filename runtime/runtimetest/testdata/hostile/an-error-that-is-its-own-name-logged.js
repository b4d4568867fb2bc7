// an error that is its own name, logged
// engine: goja

const e = new Error('x'); e.name = e; console.log(e, '' + e.stack)
