// __proto__

var o = {}, was = {}.stash;
o.__proto__ = {x: 1};
try { o.__proto__.stash = request.id; ({}).__proto__.stash = request.id; } catch (e) {}
return String(was)
