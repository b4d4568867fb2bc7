// a well-known symbol
// engine: goja

const was = [][Symbol.iterator].stash; [][Symbol.iterator].stash = request.id; return String(was)
