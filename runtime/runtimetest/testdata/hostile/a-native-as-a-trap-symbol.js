// a native that converts what it is given as a trap: Symbol
// engine: goja

const f = () => 1, p = new Proxy(f, {apply: Symbol});
f.toString = f.valueOf = p;
p(1)
