// a prototype that is its own proxy, by __proto__
// engine: goja

const t = {}, p = new Proxy(t, {}); t.__proto__ = p; t.x
