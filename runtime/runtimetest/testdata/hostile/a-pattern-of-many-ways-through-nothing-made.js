// The same, of a text.
// want: BUDGET_CPU

return new RegExp('(?:()|()|()|()|()|()|()|()|()){16}x').test('');
