// memory: a form of less

var u = new URLSearchParams(), s = '%'.repeat(2e6); u.set(s, s); while (true) try { u.toString() } catch (e) {}
