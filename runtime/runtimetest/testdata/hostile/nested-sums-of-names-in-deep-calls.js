// nested sums of names in deep calls

function f(x) { return <% repeat 300 "x + (" %>f(x)<% repeat 300 ")" %> } f('a')
