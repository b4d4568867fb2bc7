// memory: JSON

var s = '1'; while (true) s = JSON.stringify({a: s, b: s})
