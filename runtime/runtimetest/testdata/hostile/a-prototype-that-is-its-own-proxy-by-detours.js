// a prototype that is its own proxy, by detours
// engine: goja

const a = {}, b = {}, p = new Proxy(a, {}); Object.setPrototypeOf(b, p); Object.setPrototypeOf(a, b); a.x
