// depth: an answer whose getter is a native

var o = new Error('x');
Object.defineProperty(o, 'message', {get: String.bind(null, o), enumerable: true});
return o
