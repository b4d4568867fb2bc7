// evil comparator
// want: BUDGET_CPU

[3, 2, 1].sort(function () { while (true) {} })
