// memory: an object's shared children

var o = {}; for (var i = 0; i < 60; i++) o = {a: o, b: o}; return o
