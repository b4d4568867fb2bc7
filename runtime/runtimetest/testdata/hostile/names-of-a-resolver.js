// the name of a promise's function is a getter that captures the stack
// engine: goja

let f;
new Promise(resolve => { f = resolve; });
Object.defineProperty(f, 'name', {get: () => new Error().stack});
f({get then() { return new Error().stack.length; }})
