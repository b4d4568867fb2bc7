// recursion through default parameters
// engine: goja

const f = (a = f()) => a; f()
