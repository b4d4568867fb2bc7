// a conversion by a proxy's descriptors
// engine: goja

let key; const d = Object.getOwnPropertyDescriptors(Date.prototype), o = {};
Object.defineProperties(o, new Proxy(d, {get(t, k) { return {value: o}; }})); '' + o
