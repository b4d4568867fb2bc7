// memory: long hash of a URL

var u = new URL('http://a/'), s = ' x'.repeat(3e6); while (true) try { u.hash = s } catch (e) {}
