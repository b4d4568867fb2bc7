// memory: a form of a long text

var u = new URLSearchParams(), s = '%'.repeat(6e6); u.set(s, s); while (true) try { u.toString() } catch (e) {}
