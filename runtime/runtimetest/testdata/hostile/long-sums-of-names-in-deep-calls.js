// long sums of names in deep calls

function f(x) { return f(x)<% repeat 1000 " + x" %> } f('a')
