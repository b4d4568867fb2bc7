// a constant object
// engine: goja

const o = {n: 0}; return ++o.n
