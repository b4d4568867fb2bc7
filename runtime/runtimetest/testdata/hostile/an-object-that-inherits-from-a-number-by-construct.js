// an object that inherits from a number by construct
// engine: goja

const o = Reflect.construct(function () {}, [], Number); o.toString = 1; return o + ''
