// 500,000 members
// want: SYNTAX_ERROR

f<% repeat 500000 ".a" %>
