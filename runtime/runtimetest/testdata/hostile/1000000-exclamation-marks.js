// 1,000,000 exclamation marks
// want: SYNTAX_ERROR

<% repeat 1000000 "!" %>1
