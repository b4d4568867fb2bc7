// an endless native iterator: by a subclass of an error
// engine: goja

const E = Object.getPrototypeOf(Object.getPrototypeOf(class extends TypeError {}));
const [...a] = {[Symbol.iterator]: () => ({next: E})}
