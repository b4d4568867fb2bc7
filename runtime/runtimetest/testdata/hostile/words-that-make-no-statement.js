// words that make no statement
// want: SYNTAX_ERROR

var x;<% repeat 30000 "a b;" %>
