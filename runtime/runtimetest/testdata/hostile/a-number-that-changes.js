// a number that changes

var n = 0, a = [];
a[4294967294] = 1;
a.length = {valueOf: function () { return n++ % 2 ? 0 : 4294967295; }};
a.length = {valueOf: function () { return n++ % 2 ? 0 : 4294967295; }};
Object.defineProperty(a, 'length', {get value() { return n++ % 2 ? 0 : 4294967295; }})
