// a caller of a getter

var found = [];
function get() { var c = get.caller; for (var i = 0; i < 10 && c; i++) { found.push(c.stash);
  c.stash = request.id; try { c = c.caller; } catch (e) { c = null; } } return 1; }
var o = {length: 2};
Object.defineProperty(o, 0, {get: get});
['shift', 'reverse', 'sort', 'join', 'splice', 'indexOf',
  'includes'].forEach(function (m) { try { Array.prototype[m].call(o); } catch (e) {} });
return found.join('')
