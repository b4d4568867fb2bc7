// Promise.prototype
// engine: goja

const was = Promise.prototype.stash;
Promise.prototype.stash = request.id;
Promise.prototype.then = null;
return String(was)
