// shorten a long dense array

var a = []; for (var i = 0; i < 100000; i++) a[i] = i; a.length = 0
