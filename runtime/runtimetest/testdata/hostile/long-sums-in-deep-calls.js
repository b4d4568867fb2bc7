// long sums in deep calls

function f() { return f()<% repeat 9000 "+1" %> } f()
