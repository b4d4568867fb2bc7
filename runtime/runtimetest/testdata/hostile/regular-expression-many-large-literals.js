// regular expression: many large literals
// want: UNSUPPORTED
// engine: goja

return [<% repeat 20000 "/(?:a{1000})x/, " %>1].length
