// an endless native iterator: yield*
// want: BUDGET_CPU
// engine: goja

function* g() { yield* {[Symbol.iterator]: () => ({next: Object})}; } for (const x of g()) ;
