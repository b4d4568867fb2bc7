// memory: search for a long text

var a = 'x'.repeat(6e6) + 'a', b = 'x'.repeat(6e6) + 'b', l = [];
for (var i = 0; i < 1000; i++) l.push(a);
l.indexOf(b)
