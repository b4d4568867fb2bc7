// memory: text of an error, caught

var e = new Error('x'.repeat(6e6)); while (true) try { e.name = e.message = String(e) } catch (f) {}
