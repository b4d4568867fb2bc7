// a proxy's trap is an array of length 2^32-1
// engine: goja

const a = [];
a.length = 4294967295;
new Proxy({}, {get: a}).x
