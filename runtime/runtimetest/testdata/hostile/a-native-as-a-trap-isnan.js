// a native that converts what it is given as a trap: isNaN
// engine: goja

const f = () => 1, p = new Proxy(f, {apply: isNaN});
f.toString = f.valueOf = p;
p(1)
