// arrow functions whose parameters another bracket closes
// want: SYNTAX_ERROR

<% repeat 40 "(a=" %>0<% repeat 40 "]=>0" %>
