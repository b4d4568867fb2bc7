// a native that converts what it is given as a trap: String
// engine: goja

const f = () => 1, p = new Proxy(f, {apply: String});
f.toString = f.valueOf = p;
p(1)
