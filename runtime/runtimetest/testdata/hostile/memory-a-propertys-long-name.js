// a property's long name, many times in the stack as text
// want: UNSUPPORTED
// engine: goja

const o = {'<% repeat 100000 "b" %>': n => n ? o.f(n - 1) : new Error().stack.length};
o.f = Object.values(o)[0];
o.f(500)
