// Each turn of the loop has ten ways to match nothing, which are all tried.
// want: BUDGET_CPU

return /(?:()|()|()|()|()|()|()|()|()){16}x/.test('a');
