// an endless native iterator: fromEntries
// engine: goja

Object.fromEntries({[Symbol.iterator]: () => ({next: Object})})
