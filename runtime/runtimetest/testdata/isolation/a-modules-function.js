// a module's function
// engine: goja

const c = require('./counter'), was = c.stash; c.stash = request.id; c.next(); return String(was) + c.next()
