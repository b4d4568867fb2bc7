// a conversion by the value of a method
// engine: goja

const o = {}, m = {[Symbol.toPrimitive]() { arguments.callee.value = o; return 1; }};
'' + m;
Object.defineProperties(o, m);
'' + o
