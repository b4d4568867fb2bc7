// 1,000,000 calls
// want: SYNTAX_ERROR

f<% repeat 1000000 "()" %>
