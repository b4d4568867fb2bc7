// a host object
// engine: goja

const was = test.stash;
try { test.stash = request.id; test.echo.stash = 1; Object.getPrototypeOf(test).stash = 1; } catch {}
return String(was)
