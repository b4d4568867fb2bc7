// the host's prototypes

var p = test.echo.prototype || {};
var was = p.stash;
p.stash = request.id;
var c = (p.constructor || {});
var was2 = c.stash;
c.stash = 1;
return [was, was2].join()
