// a conversion that is its object, by defineProperty
// engine: goja

const o = {}; Object.defineProperty(o, Symbol.toPrimitive, {value: o}); '' + o
