// memory: closures of arrows
// want: BUDGET_MEMORY
// engine: goja

let f = null; for (;;) { const g = f; f = () => g; }
