// a native as valueOf
// engine: goja

const o = {valueOf: Array.prototype.map}; +o
