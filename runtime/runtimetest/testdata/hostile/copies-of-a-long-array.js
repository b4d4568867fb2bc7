// copies of a long array
// want: BUDGET_CPU

var a = []; a.length = 300000; a.fill(1); for (;;) { a.slice(1); a.slice(5e4).concat(a.slice(0, 9e4)); a.slice().splice(1, 2e5); }
