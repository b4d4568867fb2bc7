// a native as toString, bound
// engine: goja

const o = {}; o.toString = String.bind(null, o); '' + o
