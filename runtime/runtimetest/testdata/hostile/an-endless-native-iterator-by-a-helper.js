// an endless native iterator: by a helper
// want: BUDGET_CPU
// engine: goja

const it = {next: Object.freeze.bind(null, {value: 1, done: false}), __proto__: Iterator.prototype}; it.drop(Infinity).next()
