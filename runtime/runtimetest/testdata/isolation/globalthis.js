// globalThis
// engine: goja

const was = globalThis.stash; globalThis.stash = request.id; Object.freeze(globalThis); return String(was)
