// memory: JSON of control characters

var s = '\u0001'.repeat(6e6); while (true) try { JSON.stringify(s) } catch (e) {}
