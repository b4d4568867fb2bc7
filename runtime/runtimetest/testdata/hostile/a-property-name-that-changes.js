// a property name that changes

var n = 0, a = [];
a[4294967294] = 1;
var k = {toString: function () { return n++ % 2 ? 'length' : 'x'; }};
a[k] = 0;
a[k] = 0;
Object.defineProperty(a, k, {value: 0});
Object.defineProperty(a, k, {value: 0})
