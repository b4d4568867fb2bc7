// memory: replace with $&

var s = 'x'.repeat(1e6); return s.replace(s, '$&'.repeat(1e5))
