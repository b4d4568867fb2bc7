// a native that converts what it is given as a trap: decodeURI
// engine: goja

const f = () => 1, p = new Proxy(f, {apply: decodeURI});
f.toString = f.valueOf = p;
p(1)
