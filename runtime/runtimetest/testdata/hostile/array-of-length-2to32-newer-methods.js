// array of length 2^32-1: newer methods
// engine: goja

const a = [];
a.length = 4294967295;
for (const m of ['at', 'findLast', 'findLastIndex', 'toReversed', 'toSorted', 'toSpliced', 'with', 'keys',
  'values', 'entries', 'copyWithin', 'flatMap']) try { a[m](x => x); } catch {}
