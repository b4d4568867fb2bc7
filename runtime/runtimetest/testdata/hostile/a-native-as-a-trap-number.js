// a native that converts what it is given as a trap: Number
// engine: goja

const f = () => 1, p = new Proxy(f, {apply: Number});
f.toString = f.valueOf = p;
p(1)
