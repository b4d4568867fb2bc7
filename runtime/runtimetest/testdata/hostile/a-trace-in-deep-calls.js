// a trace in deep calls

function f(n) { console.trace(n); return f(n + 1); } f(0)
