// brackets behind a division
// want: SYNTAX_ERROR

x = {} / '/; ' + <% repeat 500000 "(" %>
