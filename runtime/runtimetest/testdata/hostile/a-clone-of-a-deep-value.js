// a clone of a deep value
// engine: goja

let o = {}; for (let i = 0; i < 1e6; i++) o = {o}; structuredClone(o)
