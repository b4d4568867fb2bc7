// regular expression many repetitions
// want: SYNTAX_ERROR

<% repeat 19000 "/\\w{1000}/;" %>
