// an endless promise chain
// want: BUDGET_CPU
// engine: goja

const f = () => Promise.resolve().then(f); return f()
