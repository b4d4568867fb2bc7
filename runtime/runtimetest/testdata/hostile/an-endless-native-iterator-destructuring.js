// an endless native iterator: destructuring
// engine: goja

const [...a] = {[Symbol.iterator]: () => ({next: Object})}
