// 500,000 ifs on lines
// want: SYNTAX_ERROR

<% repeat 500000 "if(1)\n" %>1
