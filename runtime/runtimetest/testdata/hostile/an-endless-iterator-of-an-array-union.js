// the keys that union walks through are a long array's
// want: BUDGET_CPU
// engine: goja

const a = [];
a.length = 4294967295;
new Set([1]).union({size: 1, has: () => true, keys: () => a.values()})
