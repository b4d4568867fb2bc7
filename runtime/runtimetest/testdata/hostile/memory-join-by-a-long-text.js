// memory: join by a long text

var s = 'x'.repeat(6e6); while (true) try { [s, s].join(s) } catch (e) {}
