// memory: long texts
// want: BUDGET_MEMORY

var l = [], s = 'x'; for (var i = 0; i < 21; i++) s += s; while (true) l.push(s + l.length)
