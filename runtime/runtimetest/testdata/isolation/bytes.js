// bytes

var b = test.bytes('x'), p = Object.getPrototypeOf(b), was = [b.stash, p.stash, String(b)].join();
b.stash = p.stash = request.id;
p.toString = null;
return was
