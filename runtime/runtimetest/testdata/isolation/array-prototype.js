// Array.prototype

var was = [].stash; Array.prototype.stash = request.id; return String(was)
