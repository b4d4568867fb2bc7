// an endless native iterator: arguments
// engine: goja

Math.max(...{[Symbol.iterator]: () => ({next: Object})})
