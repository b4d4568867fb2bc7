// regular expression many classes of unicode
// want: SYNTAX_ERROR

<% repeat 100000 "/\\p{L}/u;" %>
