// nested joins

var a = []; for (var i = 0; i < 10000; i++) a = [a]; String(a)
