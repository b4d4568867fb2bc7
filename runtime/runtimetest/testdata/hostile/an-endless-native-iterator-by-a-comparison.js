// an endless native iterator: by a comparison
// engine: goja

let O;
Function.prototype.toString = function () { O = this; return ''; };
Object == '';
const [...a] = {[Symbol.iterator]: () => ({next: O})}
