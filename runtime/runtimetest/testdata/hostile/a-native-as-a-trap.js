// a native as a trap
// engine: goja

const f = () => 1, p = new Proxy(f, {apply: btoa}); f.toString = p; p()
