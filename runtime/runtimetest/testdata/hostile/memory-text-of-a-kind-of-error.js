// the text of a kind of error grows with itself

var e = new TypeError("x".repeat(6e6)); while (true) try { e.name = e.message = String(e) } catch (f) {}
