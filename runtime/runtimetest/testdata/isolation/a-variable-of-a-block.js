// a variable of a block
// engine: goja

let was = typeof n;
{ let n = request.id; globalThis.n2 = n; }
return was + typeof globalThis.n2 === 'undefinedstring'
