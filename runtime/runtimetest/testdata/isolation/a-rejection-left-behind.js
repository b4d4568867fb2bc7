// a rejection left behind
// engine: goja

const was = typeof stash; Promise.reject(new Error(request.id)); return was
