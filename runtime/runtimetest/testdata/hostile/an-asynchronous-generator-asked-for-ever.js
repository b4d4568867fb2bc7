// an asynchronous generator asked for ever
// engine: goja

async function* g() { await new Promise(() => {}); }
const it = g();
for (;;) it.next();
