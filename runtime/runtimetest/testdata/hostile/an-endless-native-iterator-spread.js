// an endless native iterator: spread
// engine: goja

[...{[Symbol.iterator]: () => ({next: Object})}]
