// an asynchronous generator without end
// want: BUDGET_CPU
// engine: goja

async function* g() { for (;;) yield 1; }
let n = 0;
for await (const x of g()) n += x;
