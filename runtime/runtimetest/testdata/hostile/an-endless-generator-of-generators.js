// an endless generator of generators
// engine: goja

function* g() { yield* g(); } for (const x of g()) ; for (;;) ;
