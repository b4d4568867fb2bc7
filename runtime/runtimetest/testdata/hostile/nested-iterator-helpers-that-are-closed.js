// nested iterator helpers that are closed
// engine: goja

let it = [1].values(); for (let i = 0; i < 1e5; i++) it = it.take(1); it.return()
