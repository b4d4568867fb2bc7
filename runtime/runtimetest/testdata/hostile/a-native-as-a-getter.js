// a native as a getter
// engine: goja

const o = {length: 1}; Object.defineProperty(o, 0, {get: Array.prototype.slice}); o[0]
