// finally
// want: BUDGET_CPU

function f() { try { while (true) {} } finally { f(); } } f()
