// recursion through finally
// want: BUDGET_CPU

function f() { try { f(); } finally { f(); } } f()
