// an endless native iterator: yield* in a spread
// engine: goja

function* g() { yield* {[Symbol.iterator]: () => ({next: Object})}; } [...g()]
