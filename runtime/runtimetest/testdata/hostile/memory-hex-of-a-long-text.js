// memory: hex of a long text

var s = 'x'.repeat(6e6); while (true) try { test.bytes(s).toString('hex') } catch (e) {}
