// memory: case of a long text

var s = '\u0149 '.repeat(2e6); while (true) { s.toUpperCase(); s.trim(); s.toLowerCase() }
