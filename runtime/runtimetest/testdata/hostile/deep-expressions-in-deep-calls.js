// deep expressions in deep calls

function f() { return <% repeat 400 "(" %>f()<% repeat 400 "+1)" %> } f()
