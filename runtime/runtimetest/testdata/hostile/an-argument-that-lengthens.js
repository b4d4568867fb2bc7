// an argument that lengthens

var a = [1, 2, 3], o = {valueOf: function () { a.length = 4294967295; return 1; }};
a.splice(o, o);
a.slice(o, o);
a.indexOf(1, o);
a.fill(0, o)
