// a conversion by the value of a method, created
// engine: goja

const p = {}, m = {[Symbol.toPrimitive]() { arguments.callee.value = p; return 1; }};
'' + m;
const o = Object.create(null, m);
'' + o
