// brackets in a division
// want: SYNTAX_ERROR

<% repeat 500000 "a/(" %>
