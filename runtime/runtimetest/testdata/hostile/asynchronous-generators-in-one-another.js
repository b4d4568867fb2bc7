// asynchronous generators in one another
// engine: goja

async function* g(n) { yield* g(n + 1); }
for await (const x of g(0)) ;
