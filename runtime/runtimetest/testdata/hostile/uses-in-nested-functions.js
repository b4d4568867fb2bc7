// uses in nested functions
// want: SYNTAX_ERROR

<% repeat 400 "(function(){" %><% repeat 100000 "x;" %><% repeat 400 "})()" %>
