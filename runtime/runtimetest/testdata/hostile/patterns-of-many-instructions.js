// Each of these takes RE2 a million instructions, some hundreds of megabytes.
// engine: goja

return [<% repeat 9 "/(?:a{1,999}){900}/," %>].length;
