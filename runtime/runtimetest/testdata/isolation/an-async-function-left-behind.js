// an async function left behind
// engine: goja

const was = typeof stash;
(async () => { await null; stash = request.id; for (let i = 0; i < 10; i++) await i; })();
return was
