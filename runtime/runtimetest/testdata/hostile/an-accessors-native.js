// an accessor's native
// engine: goja

const g = Object.getOwnPropertyDescriptor(RegExp.prototype, 'flags').get, o = {};
Object.defineProperty(o, 'global', {get: g});
g.call(o)
