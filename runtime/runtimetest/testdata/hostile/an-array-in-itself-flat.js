// an array in itself: flat
// engine: goja

const a = []; a.push(a); a.flat(Infinity)
