// an endless native iterator: by a subclass
// engine: goja

const O = Object.getPrototypeOf(class extends Object {}); const [...a] = {[Symbol.iterator]: () => ({next: O})}
