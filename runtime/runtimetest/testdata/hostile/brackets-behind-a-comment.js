// brackets behind a comment
// want: SYNTAX_ERROR

//<% "\u2028" %><% repeat 500000 "(" %>
