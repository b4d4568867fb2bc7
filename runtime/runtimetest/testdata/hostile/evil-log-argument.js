// evil log argument
// want: BUDGET_CPU

console.log({toJSON: function () { for (;;) {} }})
