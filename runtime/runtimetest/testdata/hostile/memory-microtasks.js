// memory: microtasks
// want: BUDGET_MEMORY
// engine: goja

for (;;) queueMicrotask(() => 1)
