// memory: long URL

var s = 'http://a/' + ' x'.repeat(3e6); while (true) try { new URL(s) } catch (e) {}
