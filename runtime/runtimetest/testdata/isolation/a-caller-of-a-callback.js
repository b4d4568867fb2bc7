// a caller of a callback

var found = [];
function cb(a, b) { var c = cb.caller; for (var i = 0; i < 10 && c; i++) { found.push(c.stash);
  c.stash = request.id; try { c = c.caller; } catch (e) { c = null; } } return 0; }
[2, 1].sort(cb);
[1].forEach(cb);
'a'.replace(/a/, cb);
JSON.parse('[1]', cb);
JSON.stringify({toJSON: cb});
Array.from([1], cb);
[1].find(cb);
String({toString: function () { cb(); return ''; }});
[1, [2]].flatMap(cb);
return found.join('')
