// an endless native iterator: new
// engine: goja

new Date(...{[Symbol.iterator]: () => ({next: Object})})
