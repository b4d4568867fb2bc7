// a symbol's registry
// engine: goja

const s = Symbol.for('stash'), was = s.stash;
try { Object.getPrototypeOf(s).stash = request.id; } catch {}
return String(was) + Symbol.prototype.was
