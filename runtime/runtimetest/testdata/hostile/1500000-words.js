// 1500000 words
// want: SYNTAX_ERROR

<% repeat 1000000 "a;" %>
