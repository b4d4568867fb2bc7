// an endless iterator: by a helper
// want: BUDGET_CPU
// engine: goja

Iterator.from({next() { return {value: 1, done: false}; }}).filter(() => false).next()
