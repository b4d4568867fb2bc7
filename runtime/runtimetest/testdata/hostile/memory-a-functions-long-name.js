// a function's long name, many times in the stack as text
// want: UNSUPPORTED
// engine: goja

function a<% repeat 100000 "b" %>(n) { return n ? a<% repeat 100000 "b" %>(n - 1) : new Error().stack.length }
a<% repeat 100000 "b" %>(500)
