// deep JSON to print

var a = []; for (var i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)
