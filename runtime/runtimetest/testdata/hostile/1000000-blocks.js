// 1,000,000 blocks
// want: SYNTAX_ERROR

<% repeat 1000000 "{" %>
