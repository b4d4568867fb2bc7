// arguments

function f(a) { var was = a; arguments[0] = request.id; arguments.stash = 1; return was; }
return String(f('x')) + f('x')
