// a conversion that is a proxy
// engine: goja

const p = new Proxy({}, {get: () => p}); '' + p
