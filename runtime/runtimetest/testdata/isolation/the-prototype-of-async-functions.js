// the prototype of async functions
// engine: goja

const p = Object.getPrototypeOf(async () => {}), was = p.stash; p.stash = request.id; return String(was)
