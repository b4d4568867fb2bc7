// memory: text in an object
// want: BUDGET_MEMORY

var o = {s: 'x'}, k = 's'; while (true) o[k] = o.s + o[k]
