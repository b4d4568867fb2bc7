// an endless bound iterator: spread
// engine: goja

[...{[Symbol.iterator]: () => ({next: Object.bind(null, {})})}]
