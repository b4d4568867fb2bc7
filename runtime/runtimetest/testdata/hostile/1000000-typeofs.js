// 1,000,000 typeofs
// want: SYNTAX_ERROR

<% repeat 500000 "typeof " %>1
