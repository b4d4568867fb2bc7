// an endless native iterator: assignment
// engine: goja

let a; [...a] = {[Symbol.iterator]: () => ({next: Object})}
