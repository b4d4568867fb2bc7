// an error's constructor

try { null.x; } catch (e) { var was = e.constructor.stash; e.constructor.stash = request.id;
  Object.getPrototypeOf(e).stash = 1; return [was, e.stash].join(); }
