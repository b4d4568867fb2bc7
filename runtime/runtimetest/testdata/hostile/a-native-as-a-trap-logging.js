// a native as a trap, logging
// engine: goja

const p = new Proxy(() => 1, {apply: console.log}); console.log({toJSON: p})
