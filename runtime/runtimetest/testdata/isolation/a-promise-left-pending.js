// a promise left pending
// engine: goja

new Promise(() => {}).then(() => { stash = request.id; }); return typeof stash
