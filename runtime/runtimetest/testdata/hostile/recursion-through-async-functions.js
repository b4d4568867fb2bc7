// recursion through async functions
// engine: goja

async function f() { await f(); } return f()
