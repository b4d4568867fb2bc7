// returns in nested try statements
// want: SYNTAX_ERROR

<% repeat 400 "try{" %><% repeat 40000 "return;" %><% repeat 400 "}finally{}" %>
