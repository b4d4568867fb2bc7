// an endless await
// want: BUDGET_CPU
// engine: goja

async function f() { for (;;) await 1; } return f()
