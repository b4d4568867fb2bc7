// setters of a long URL
// want: BUDGET_CPU

var u = new URL("http://" + new Array(3e5).join("@") + "h/"); for (;;) { u.username = new Array(3e5).join("é"); u.hash = u.href.slice(0, 5e5); }
