// a getter on Object.prototype
// engine: goja

const was = {}.stash;
Object.defineProperty(Object.prototype, 'stash', {get: () => request.id, configurable: false});
return String(was)
