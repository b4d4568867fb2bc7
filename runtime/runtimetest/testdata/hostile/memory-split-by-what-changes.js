// memory: split by what changes
// engine: goja

let n = 0;
return 'x'.repeat(4e7).split({get [Symbol.split]() { return n++ ? undefined : () => 1; },
  toString: () => ''}).length
