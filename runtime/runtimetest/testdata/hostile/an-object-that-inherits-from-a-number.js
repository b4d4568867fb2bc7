// an object that inherits from a number
// engine: goja

const o = Object.create(Object(1)); o.toString = 1; return o + ''
