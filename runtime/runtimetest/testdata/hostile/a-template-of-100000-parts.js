// a template of 100000 parts
// want: SYNTAX_ERROR

`<% repeat 100000 "${a}" %>`
