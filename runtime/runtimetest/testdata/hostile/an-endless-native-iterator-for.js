// an endless native iterator: for
// want: BUDGET_CPU
// engine: goja

for (const x of {[Symbol.iterator]: () => ({next: Object})}) ;
