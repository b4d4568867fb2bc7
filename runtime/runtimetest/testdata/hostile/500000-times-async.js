// 500000 times async
// want: SYNTAX_ERROR

<% repeat 500000 "async " %>
