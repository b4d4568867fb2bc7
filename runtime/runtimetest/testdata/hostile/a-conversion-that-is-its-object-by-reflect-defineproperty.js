// a conversion that is its object, by Reflect.defineProperty
// engine: goja

const o = {}; Reflect.defineProperty(o, {toString() { return Symbol.toPrimitive; }}, {value: o}); '' + o
