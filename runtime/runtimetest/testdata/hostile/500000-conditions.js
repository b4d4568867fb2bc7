// 500,000 conditions
// want: SYNTAX_ERROR

<% repeat 500000 "1?1:" %>1
