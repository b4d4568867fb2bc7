// an endless native iterator: Set
// engine: goja

new Set({[Symbol.iterator]: () => ({next: Object})})
