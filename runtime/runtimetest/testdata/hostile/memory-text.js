// memory: text
// want: BUDGET_MEMORY

var s = 'x'; while (true) s += s
