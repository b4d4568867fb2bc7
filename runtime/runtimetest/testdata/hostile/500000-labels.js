// 500,000 labels
// want: SYNTAX_ERROR

<% labels 500000 %>
