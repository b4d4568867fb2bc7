// regular expression: other ends of lines
// want: BUDGET_CPU

return /^(a+)+$/m.test(new Array(50).join('a') + 'b\r');
