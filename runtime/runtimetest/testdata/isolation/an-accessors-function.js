// an accessor's function

var d = Object.getOwnPropertyDescriptor(Error.prototype, 'name') || {};
var g = d.get || {}, s = d.set || {};
var was = [g.stash, s.stash, (g.prototype || {}).stash].join();
g.stash = s.stash = request.id;
(g.prototype || {}).stash = 1;
return was
