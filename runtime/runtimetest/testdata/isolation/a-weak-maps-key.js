// a weak map's key
// engine: goja

const w = new WeakMap(), was = w.get(test) + ',' + w.get(Array.prototype);
w.set(Array.prototype, request.id);
return was
