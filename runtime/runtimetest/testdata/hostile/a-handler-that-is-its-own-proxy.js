// a handler that is its own proxy
// engine: goja

const h = {}, p = new Proxy({}, h); Object.setPrototypeOf(h, p); p.x
