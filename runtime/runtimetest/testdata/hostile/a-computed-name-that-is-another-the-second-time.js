// a computed name that is another the second time
// engine: goja

let n = 0;
Object.defineProperty(globalThis, 'k', {get() { return n++ % 2 ? 'trim' : 1; }});
const f = ''[k], o = {};
o['toStr' + 'ing'] = f;
return f && f.call(o)
