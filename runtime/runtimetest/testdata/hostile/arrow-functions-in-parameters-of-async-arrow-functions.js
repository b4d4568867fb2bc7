// arrow functions in parameters of async arrow functions
// want: SYNTAX_ERROR

<% repeat 40 "async (a=" %>0<% repeat 40 ")=>0" %>
