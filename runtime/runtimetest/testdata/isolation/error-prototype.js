// Error.prototype

var was = [Error.prototype.name, TypeError.prototype.message, new Error('x').stash].join();
Error.prototype.name = request.id;
TypeError.prototype.message = request.id;
Error.prototype.stash = request.id;
return was
