// a proxy in the prototype chain
// engine: goja

const was = {}.stash;
try { Object.setPrototypeOf(Object.prototype, new Proxy({}, {get: () => request.id})); } catch {}
return String(was)
