// require itself

var was = [require.stash, (require.cache || {}).stash, (require.prototype || {}).stash].join();
require.stash = request.id;
(require.prototype || {}).stash = 1;
return was
