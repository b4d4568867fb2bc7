// memory: text, caught
// want: BUDGET_MEMORY

var s = 'x'; while (true) try { s += s } catch (e) {}
