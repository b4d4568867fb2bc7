// array of length 2^32-1: a proxy
// engine: goja

Array.prototype.indexOf.call(new Proxy([], {get: (t, k) => k === 'length' ? 4294967295 : 1}), 2)
