// nested generators
// engine: goja

function* g(n) { yield n; if (n) yield* g(n - 1); } let s = 0; for (const x of g(1e5)) s += x
