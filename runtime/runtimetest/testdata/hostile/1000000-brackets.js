// 1,000,000 brackets
// want: SYNTAX_ERROR

<% repeat 1000000 "[" %>
