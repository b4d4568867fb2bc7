// a leaked function for defining

var g = (function () { return this; })(), was = typeof stash, id = request.id, found = [];
if ((g.calls = (g.calls || 0) + 1) > 3) return was; // this program is one of what it finds
function look() { var c = look.caller; for (var i = 0; i < 9 && c; i++) { found.push(c);
  try { c = c.caller; } catch (e) { c = null; } } return id; }
var d = {}; Object.defineProperty(d, 'value', {get: look, enumerable: true});
try { Object.defineProperty({}, 'x', d); } catch (e) {}
try { Object.defineProperties({}, {x: d}); } catch (e) {}
try { Object.create({}, {x: d}); } catch (e) {}
try { Object.defineProperty([], 'length', {value: {valueOf: look}}); } catch (e) {}
try { Object.assign({set x(v) { look(); }}, {x: 1}); } catch (e) {}
found.forEach(function (f) { [[g, 'stash', {value: id}], [g, {stash: {value: id}}],
  [{stash: {value: id}}]].forEach(function (a) { try { f.apply(g, a); } catch (e) {} }); });
return was
