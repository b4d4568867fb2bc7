// join of one long text

var s = new Array(10000).join('x'), a = []; for (var i = 0; i < 50000; i++) a.push(s); a.join()
