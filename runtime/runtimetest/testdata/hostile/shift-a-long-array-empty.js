// shift a long array empty

var a = []; for (var i = 0; i < 200000; i++) a[i] = i; while (a.length) a.shift()
