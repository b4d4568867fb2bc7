// depth: an answer in an array whose getter is a native

var o = new Error('x'); Object.defineProperty(o, 'message', {get: String.bind(null, o)}); return [o, {a: o}]
