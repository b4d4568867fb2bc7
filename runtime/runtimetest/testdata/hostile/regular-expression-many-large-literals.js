// regular expression: many large literals
// want: SYNTAX_ERROR

return [<% repeat 20000 "/(?:a{1000})x/, " %>1].length
