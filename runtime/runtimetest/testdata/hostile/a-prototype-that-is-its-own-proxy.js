// a prototype that is its own proxy
// engine: goja

const t = {}, p = new Proxy(t, {}); Object.setPrototypeOf(t, p); t.x
