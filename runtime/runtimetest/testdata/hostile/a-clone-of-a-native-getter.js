// a clone of a native getter
// engine: goja

const o = {}; Object.defineProperty(o, "a", {get: structuredClone.bind(null, o), enumerable: true}); structuredClone(o)
