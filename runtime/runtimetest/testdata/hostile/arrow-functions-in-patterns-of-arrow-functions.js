// arrow functions in patterns of arrow functions
// want: SYNTAX_ERROR

<% repeat 40 "({a=" %>0<% repeat 40 "})=>0" %>
