// a class's prototype
// engine: goja

class A {} const was = A.prototype.stash; A.prototype.stash = request.id; return String(was)
