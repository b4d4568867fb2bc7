// 500,000 assignments
// want: SYNTAX_ERROR

<% repeat 500000 "a=" %>1
