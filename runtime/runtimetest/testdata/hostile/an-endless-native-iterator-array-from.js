// an endless native iterator: Array.from
// engine: goja

Array.from({[Symbol.iterator]: () => ({next: Object})})
