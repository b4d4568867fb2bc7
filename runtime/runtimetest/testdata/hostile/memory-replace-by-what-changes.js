// memory: replace by what changes
// engine: goja

let n = 0;
return 'x'.repeat(4e6).replaceAll({get [Symbol.replace]() { return n++ ? undefined : () => 1; },
  toString: () => ''}, 'x'.repeat(1000)).length
