// an endless native iterator: by an error's prototype
// engine: goja

const E = Object.getPrototypeOf(TypeError); const [...a] = {[Symbol.iterator]: () => ({next: E})}
