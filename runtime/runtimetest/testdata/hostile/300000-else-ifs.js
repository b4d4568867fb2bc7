// 300,000 else ifs
// want: SYNTAX_ERROR

<% repeat 300000 "if(1){}else " %>1
