// an endless native iterator: by a replaced function
// engine: goja

let O;
Object.keys = function () { O = this; };
Object.keys(1);
const [...a] = {[Symbol.iterator]: () => ({next: O})}
