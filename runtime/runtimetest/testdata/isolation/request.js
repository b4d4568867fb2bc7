// request

var p = Object.getPrototypeOf(request);
var was = [request.stash, p.stash, (p.constructor || {}).stash].join();
request.stash = request.id;
p.stash = request.id;
(p.constructor || {}).stash = 1;
try { p.body = request.id; } catch (e) {}
return was + request.body
