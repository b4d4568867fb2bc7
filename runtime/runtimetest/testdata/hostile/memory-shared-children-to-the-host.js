// memory: shared children to the host

var o = {}; for (var i = 0; i < 60; i++) o = {a: o, b: o}; test.echo(o)
