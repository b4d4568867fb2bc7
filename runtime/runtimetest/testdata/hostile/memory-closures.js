// memory: closures
// want: BUDGET_MEMORY

var f = null; while (true) (function (g) { f = function () { return g; }; })(f)
