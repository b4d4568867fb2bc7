// the prototype of typed arrays
// engine: goja

const p = Object.getPrototypeOf(Uint8Array.prototype), was = p.stash; p.stash = request.id; return String(was)
