// an endless native iterator: a union
// engine: goja

new Set([1]).union({size: 1, has: Boolean, keys: () => ({next: Object})})
