// finally with return
// want: BUDGET_CPU

function f() { while (true) { try { for (;;) {} } finally { continue; } } } f()
