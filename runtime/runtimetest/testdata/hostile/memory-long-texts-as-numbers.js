// memory: long texts as numbers

var s = '9'.repeat(6e6), l = []; for (var i = 0; i < 30; i++) l.push(s); Math.max.apply(null, l)
