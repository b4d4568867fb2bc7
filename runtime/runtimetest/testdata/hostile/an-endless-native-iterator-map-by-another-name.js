// an endless native iterator: Map by another name
// engine: goja

const M = globalThis['Ma' + 'p']; new M({[Symbol.iterator]: () => ({next: Array})})
