// arrow functions in parameters of arrow functions
// want: SYNTAX_ERROR

<% repeat 40 "(a=" %>0<% repeat 40 ")=>0" %>
