// an array in itself: toLocaleString
// engine: goja

const a = []; a.push(a); a.toLocaleString()
