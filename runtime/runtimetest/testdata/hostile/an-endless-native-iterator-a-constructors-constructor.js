// an endless native iterator: a constructor's constructor
// engine: goja

const O = ({}).constructor; [...{[Symbol.iterator]: () => ({next: O})}]
