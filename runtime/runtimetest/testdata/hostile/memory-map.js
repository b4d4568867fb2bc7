// memory: Map
// want: BUDGET_MEMORY
// engine: goja

const m = new Map(); for (let i = 0; ; i++) m.set(i, 'text ' + i)
