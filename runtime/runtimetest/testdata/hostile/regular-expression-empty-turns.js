// regular expression: empty turns
// want: BUDGET_CPU

return /^(?:(a)|a|a?)*x$/.test(new Array(60).join('a'));
