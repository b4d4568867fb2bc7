// a proxy that gets from itself
// engine: goja

const h = {}, p = new Proxy({}, h); h.get = Reflect.get.bind(null, p); p.x
