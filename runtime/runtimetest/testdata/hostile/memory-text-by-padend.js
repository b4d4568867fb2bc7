// memory: text by padEnd

var s = 'x'; while (true) s = s.padEnd(s.length * 2)
