// a loop in a getter of a proxy
// want: BUDGET_CPU
// engine: goja

const p = new Proxy({}, {ownKeys() { for (;;) ; }}); return {...p}
