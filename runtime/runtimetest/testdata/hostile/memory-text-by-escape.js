// escape makes a text of six times the length

var s = "\u0149".repeat(2e6), l = []; while (true) { s = escape(s); l.push(s); }
