// a timer left behind
// engine: goja

const was = typeof stash;
setTimeout(() => { stash = request.id; }, 0);
setTimeout(() => { stash = request.id; }, 5);
return was
