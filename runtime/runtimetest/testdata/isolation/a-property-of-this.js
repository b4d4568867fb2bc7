// a property of this

function f() { return this; } var was = f().stash; f().stash = request.id; return was
