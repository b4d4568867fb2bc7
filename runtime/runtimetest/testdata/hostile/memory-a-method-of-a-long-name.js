// memory: a method of a long name

var h = {}, s = '\u0001'.repeat(6e6); while (true) try { h[s]() } catch (e) {}
