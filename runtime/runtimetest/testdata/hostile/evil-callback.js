// evil callback
// want: BUDGET_CPU

[1].forEach(function () { for (;;) {} })
