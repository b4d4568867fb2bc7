// memory: promises
// want: BUDGET_MEMORY
// engine: goja

const l = []; for (;;) l.push(new Promise(() => {}))
