// memory: an endless iterator as an array
// want: BUDGET_MEMORY
// engine: goja

function* up() { for (;;) yield 1; } up().map(x => "x" + x).toArray()
