// 500,000 functions
// want: SYNTAX_ERROR

<% repeat 300000 "(function(){" %>
