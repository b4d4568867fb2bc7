// memory: an encoding of a long name

var s = '\u0001'.repeat(6e6); while (true) try { test.bytes('x').toString(s) } catch (e) { }
