// an object that inherits from a number by __proto__
// engine: goja

const o = {__proto__: Object(1), toString: 1}; return o + ''
