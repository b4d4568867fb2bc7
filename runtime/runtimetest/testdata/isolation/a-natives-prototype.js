// a native's prototype

var p = Math.max.prototype || {}, was = p.stash; p.stash = request.id; return String(was)
