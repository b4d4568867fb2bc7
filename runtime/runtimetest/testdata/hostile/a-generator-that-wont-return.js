// a generator that won't return
// want: BUDGET_CPU
// engine: goja

function* g() { for (;;) try { yield 1; } finally { continue; } } for (const x of g()) break; for (;;) ;
