// depth: what is thrown has a native as getter

var o = new Error('x'); Object.defineProperty(o, 'message', {get: String.bind(null, o)}); throw o
