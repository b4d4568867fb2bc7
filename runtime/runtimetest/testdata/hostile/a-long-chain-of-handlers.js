// a long chain of handlers
// engine: goja

let h = {}; for (let i = 0; i < 1e5; i++) h = new Proxy({}, h); h.x
