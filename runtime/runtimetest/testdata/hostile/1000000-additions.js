// 1,000,000 additions
// want: SYNTAX_ERROR

<% repeat 1000000 "1+" %>1
