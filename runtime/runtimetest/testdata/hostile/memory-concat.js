// memory: concat

var s = 'x'.repeat(1e7), l = []; for (var i = 0; i < 1000; i++) l.push(s); return ''.concat.apply('', l)
