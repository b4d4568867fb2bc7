// memory: text of two in turn
// want: BUDGET_MEMORY

var a = 'x', b = 'y', t; while (true) { t = a + b; b = a; a = t }
