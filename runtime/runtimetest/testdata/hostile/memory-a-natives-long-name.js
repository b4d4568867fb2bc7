// a native's long name, many times in the stack as text
// engine: goja

const s = 'x'.repeat(6e6);
let n = 0;
const f = () => n++ < 100 ? [1].map(f)[0] : new Error().stack.length;
Object.defineProperty(Array.prototype.map, 'name', {value: s});
f()
