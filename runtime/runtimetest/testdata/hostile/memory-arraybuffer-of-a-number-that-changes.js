// memory: ArrayBuffer of a number that changes
// engine: goja

let n = 0; new ArrayBuffer({valueOf() { return n++ ? 1e12 : 1; }})
