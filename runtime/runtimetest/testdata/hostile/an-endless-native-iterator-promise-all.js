// an endless native iterator: Promise.all
// engine: goja

return Promise.all({[Symbol.iterator]: () => ({next: Object})})
