// regular expression: many groups in a literal
// want: SYNTAX_ERROR
// engine: goja

/<% repeat 100000 "(?=(" %><% repeat 100000 "))" %>/
