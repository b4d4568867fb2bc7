// a length that changes

var n = 0, o = {}; Object.defineProperty(o, 'length', {get: function () { return n++ % 2 ? 4294967295 : 1; }});
['forEach', 'map', 'slice', 'splice', 'shift', 'unshift', 'reverse', 'sort', 'join', 'indexOf', 'lastIndexOf',
  'pop', 'push', 'toLocaleString', 'fill', 'includes', 'flat', 'find', 'some', 'every',
  'filter'].forEach(function (m) { try { Array.prototype[m].call(o, function () { return 1; }); } catch (e) {}
  try { Array.prototype[m].call(o, 1); } catch (e) {} });
try { Math.max.apply(null, o); } catch (e) {} Array.from(o)
