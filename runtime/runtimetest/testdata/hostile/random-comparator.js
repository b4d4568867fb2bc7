// random comparator

var a = []; for (var i = 0; i < 3000; i++) a.push(i); a.sort(function () { return Math.random() - 0.5; })
