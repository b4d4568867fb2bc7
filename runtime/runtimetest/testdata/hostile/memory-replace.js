// memory: replace

var s = 'x'.repeat(1e6); return s.replace(/x/g, s)
