// request's methods

var p = Object.getPrototypeOf(request);
try { p.toJSON = function () { return 'leaked'; }; } catch (e) {}
var o = Object.create(p);
return String(o.stash)
