// an endless iterator: spread
// engine: goja

[...{[Symbol.iterator]: () => ({next: () => ({})})}]
