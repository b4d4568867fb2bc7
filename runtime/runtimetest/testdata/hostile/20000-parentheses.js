// 20,000 parentheses
// want: SYNTAX_ERROR

<% repeat 20000 "(" %>1<% repeat 20000 ")" %>
