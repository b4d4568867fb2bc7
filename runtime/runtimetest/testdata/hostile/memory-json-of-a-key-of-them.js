// memory: JSON of a key of them

var o = {}; o['\u0001'.repeat(6e6)] = 1; while (true) try { JSON.stringify(o) } catch (e) {}
