// Object.prototype

var was = {}.stash;
Object.prototype.stash = request.id;
try { Object.defineProperty(Object.prototype, 'stash', {value: request.id}); } catch (e) {}
return String(was)
