// memory: templates
// want: BUDGET_MEMORY
// engine: goja

let s = 'x'; for (;;) s = `${s}${s}`
