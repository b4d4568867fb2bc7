// a proxy that is its own prototype, natively
// engine: goja

const h = {}, p = new Proxy({}, h); h.getPrototypeOf = Object.bind(null, p); p instanceof Array
