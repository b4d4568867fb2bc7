// an asynchronous generator that won't return
// want: BUDGET_CPU
// engine: goja

async function* g() { for (;;) try { yield 1; } finally { continue; } }
for await (const x of g()) break;
for (;;) ;
