// the keys that isSupersetOf walks through are like an array's
// want: BUDGET_CPU
// engine: goja

const like = {length: 2 ** 53 - 1};
new Set([undefined, 1]).isSupersetOf({size: 1, has: () => true, keys: () => Array.prototype.values.call(like)})
