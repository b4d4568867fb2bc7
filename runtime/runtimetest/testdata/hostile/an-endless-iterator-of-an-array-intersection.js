// the keys that intersection walks through are a long array's
// want: BUDGET_CPU
// engine: goja

const a = [], m = 'inter' + 'section';
a.length = 4294967295;
new Set([1, 2, 3])[m]({size: 1, has: () => true, keys: () => a[Symbol.iterator]()})
