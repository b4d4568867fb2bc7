// Each of these takes RE2 a million instructions, some hundreds of megabytes.
// engine: otto

var pattern = new Array(990).join('a{1,999}');
for (var i = 0; i < 20; i++) try { new RegExp(pattern + i) } catch (e) { if (i === 19) throw e }
