// a hidden global

var g = (function () { return this; })();
var was = typeof stash;
try { Object.defineProperty(g, 'stash', {value: request.id}); } catch (e) {}
return was
