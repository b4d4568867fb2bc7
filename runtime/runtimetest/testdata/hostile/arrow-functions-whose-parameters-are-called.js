// arrow functions whose parameters are called
// want: SYNTAX_ERROR

<% repeat 40 "(" %>0<% repeat 40 ")(b)=>0" %>
