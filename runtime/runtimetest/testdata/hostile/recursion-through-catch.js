// recursion through catch
// want: BUDGET_CPU

function f() { try { f(); } catch (e) { f(); } } f()
