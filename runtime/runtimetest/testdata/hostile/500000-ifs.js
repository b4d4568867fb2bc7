// 500,000 ifs
// want: SYNTAX_ERROR

<% repeat 500000 "if(1)" %>1
