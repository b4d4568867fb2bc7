// memory: bytes

var l = []; while (true) l.push(test.bytes(new Array(100000).join('x')))
