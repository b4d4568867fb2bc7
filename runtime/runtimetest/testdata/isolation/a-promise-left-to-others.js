// a promise left to others
// engine: goja

const was = typeof stash; Promise.resolve().then(() => { stash = request.id; }); return was
