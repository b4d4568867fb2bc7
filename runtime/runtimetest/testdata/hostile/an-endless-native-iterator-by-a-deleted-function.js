// an endless native iterator: by a deleted function
// engine: goja

let O;
delete Object.keys;
Object.prototype.keys = function () { O = this; };
Object.keys(1);
const [...a] = {[Symbol.iterator]: () => ({next: O})}
