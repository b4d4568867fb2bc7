// a long chain of bound functions

var f = function () {}; for (var i = 0; i < 1e6; i++) f = f.bind(null); f()
