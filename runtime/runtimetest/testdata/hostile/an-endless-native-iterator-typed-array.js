// an endless native iterator: typed array
// engine: goja

new Uint8Array({[Symbol.iterator]: () => ({next: Object})})
