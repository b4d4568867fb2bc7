// a table of a long array
// want: BUDGET_CPU

var a = []; a.length = 300000; for (;;) console.table([a, a], a)
