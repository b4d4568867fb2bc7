// a conversion that is its object
// engine: goja

const o = {}; o[Symbol.toPrimitive] = o; '' + o
