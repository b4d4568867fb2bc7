// a prototype that is its own proxy, by a computed __proto__
// engine: goja

const t = {}, p = new Proxy(t, {}); t['__pro' + 'to__'] = p; t.x
