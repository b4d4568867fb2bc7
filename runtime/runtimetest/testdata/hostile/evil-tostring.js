// evil toString
// want: BUDGET_CPU

String({toString: function () { for (;;) {} }})
