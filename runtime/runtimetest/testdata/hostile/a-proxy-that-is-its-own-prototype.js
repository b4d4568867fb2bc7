// a proxy that is its own prototype
// engine: goja

let p; p = new Proxy({}, {getPrototypeOf: () => p}); p instanceof Object
