// recursion through replace

function f() { 'a'.replace(/a/, f); } f()
