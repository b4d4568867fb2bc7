// a prototype that is its own proxy, by Reflect
// engine: goja

const t = {}, p = new Proxy(t, {}); Reflect.setPrototypeOf(t, p); t.x
