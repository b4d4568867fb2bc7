// a conversion that is its object, by Reflect.set
// engine: goja

const o = {}; Reflect.set(o, Symbol.toPrimitive, o); '' + o
