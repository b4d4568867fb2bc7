// a conversion that is its object, written
// engine: goja

const p = {}, o = {[Symbol.toPrimitive]: p}; p.x = o; '' + o
