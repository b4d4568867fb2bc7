// a conversion that is its object, by fromEntries
// engine: goja

const p = {}; const o = Object.fromEntries([[Symbol.toPrimitive, p]]); '' + o
