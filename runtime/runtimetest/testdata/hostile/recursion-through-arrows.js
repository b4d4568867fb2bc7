// recursion through arrows
// engine: goja

const f = () => f(); f()
