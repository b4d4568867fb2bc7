// an endless native iterator: a parameter
// engine: goja

(([...a]) => a)({[Symbol.iterator]: () => ({next: Object})})
