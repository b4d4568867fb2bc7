// a generator's state
// engine: goja

function* g() { let n = 0; for (;;) yield ++n; } const it = g(); return [it.next().value, it.next().value]
