// a clone that never ends
// want: BUDGET_CPU
// engine: goja

const o = {get a() { for (;;); }}; structuredClone(o)
