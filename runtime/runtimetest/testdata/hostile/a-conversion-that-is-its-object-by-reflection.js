// a conversion that is its object, by reflection
// engine: goja

const [s] = Object.getOwnPropertySymbols(Date.prototype), o = {}; o[s] = o; '' + o
