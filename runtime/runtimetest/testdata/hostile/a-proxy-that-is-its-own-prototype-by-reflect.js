// a proxy that is its own prototype, by Reflect
// engine: goja

const h = {}, p = new Proxy({}, h); h.getPrototypeOf = Reflect.getPrototypeOf; Object.getPrototypeOf(p)
