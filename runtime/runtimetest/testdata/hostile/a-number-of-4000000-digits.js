// a number of 4000000 digits
// want: SYNTAX_ERROR

return <% repeat 4000000 "9" %>n
