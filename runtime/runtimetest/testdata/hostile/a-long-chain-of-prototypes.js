// a long chain of prototypes

var o = {}; for (var i = 0; i < 1e6; i++) o = Object.create(o); o.x
