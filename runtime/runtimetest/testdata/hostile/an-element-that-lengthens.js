// an element that lengthens

var a = [1, 2, 3];
function grow() { a.length = 4294967295; return 1; }
  Object.defineProperty(a, 2, {get: grow, set: grow, configurable: true});
Object.defineProperty(a, 0, {get: grow, set: grow, configurable: true});
['pop', 'shift', 'unshift', 'splice', 'reverse', 'sort', 'push', 'fill', 'concat',
  'slice'].forEach(function (m) { try { a[m](0, 1); } catch (e) {} })
