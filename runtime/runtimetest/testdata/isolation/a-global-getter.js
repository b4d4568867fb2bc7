// a global getter

var g = (function () { return this; })();
var was = typeof stash, id = request.id;
try { Object.defineProperty(g, 'stash', {get: function () { return id; }, configurable: false}); } catch (e) {}
return was
