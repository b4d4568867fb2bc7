// a bound function's long name, many times in the stack as text
// engine: goja

const s = 'x'.repeat(6e6);
let n = 0, b;
const o = {[s]() { return n++ < 100 ? b() : new Error().stack.length; }};
b = o[s].bind(o);
b()
