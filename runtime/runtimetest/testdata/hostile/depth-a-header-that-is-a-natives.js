// depth: a header that is a native's

var o = new Error('x');
Object.defineProperty(o, 'message', {get: String.bind(null, o)});
respond(200, 'x', {a: [o]})
