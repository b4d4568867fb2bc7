// delete from a long array

var a = []; for (var i = 0; i < 100000; i++) a[i] = i; a.splice(0, 90000)
