// a thenable that resolves with itself
// engine: goja

const o = {then(f) { f(o); }}; await o
