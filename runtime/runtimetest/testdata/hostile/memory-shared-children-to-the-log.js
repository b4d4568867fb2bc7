// memory: shared children to the log

var o = {}; for (var i = 0; i < 60; i++) o = {a: o, b: o}; console.log(o)
