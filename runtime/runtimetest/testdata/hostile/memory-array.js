// memory: array
// want: BUDGET_MEMORY

var a = []; while (true) a.push({x: a.length, y: 'text ' + a.length})
