// brackets behind a regular expression
// want: SYNTAX_ERROR

if (1) /'/; <% repeat 500000 "(" %>
