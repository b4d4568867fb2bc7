// an endless native iterator: by its valueOf
// engine: goja

const O = Object.valueOf(); const [...a] = {[Symbol.iterator]: () => ({next: O})}
