// an undeclared variable

var was = typeof stash; stash = request.id; return was
