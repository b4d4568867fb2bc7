// a host function's prototype
// engine: goja

const p = Object.getPrototypeOf(test.echo), was = p.stash; p.stash = request.id; return String(was)
