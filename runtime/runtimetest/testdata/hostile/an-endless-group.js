// an endless group
// want: BUDGET_CPU
// engine: goja

Object.groupBy({[Symbol.iterator]: () => ({next: () => ({done: false})})}, () => Symbol.iterator)
