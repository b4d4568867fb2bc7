// memory: a template of many
// want: BUDGET_MEMORY
// engine: goja

const s = 'x'.repeat(6e6); for (;;) { const t = `<% repeat 60 "${s}" %>` }
