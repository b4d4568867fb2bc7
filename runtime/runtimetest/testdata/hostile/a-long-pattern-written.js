// The same in the program's text, for which the program waits to be loaded.
// engine: goja

return /<% repeat 33000 "ab|cd|" %>(?=x)/.test('x');
