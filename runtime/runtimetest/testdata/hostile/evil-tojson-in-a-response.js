// evil toJSON in a response
// want: BUDGET_CPU

return {toJSON: function () { for (;;) {} }}
