// endless microtasks
// want: BUDGET_CPU
// engine: goja

function f() { queueMicrotask(f); } f()
