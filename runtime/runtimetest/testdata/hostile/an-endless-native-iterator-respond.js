// an endless native iterator: respond
// engine: goja

const [...a] = {[Symbol.iterator]: () => ({next: respond})}
