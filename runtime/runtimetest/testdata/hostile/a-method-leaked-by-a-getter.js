// a method leaked by a getter

<% template "look" %>
var o = {length: 3};
Object.defineProperty(o, '0', {get: look, set: look});
Object.defineProperty(o, '1', {get: look, set: look});
['forEach', 'map', 'slice', 'concat', 'splice', 'shift', 'unshift', 'reverse', 'sort', 'join', 'indexOf',
  'lastIndexOf', 'pop', 'push', 'toLocaleString', 'fill', 'includes', 'flat',
  'find'].forEach(function (m) { try { Array.prototype[m].call(o, look); } catch (e) {} });
Object.values({get a() { look(); return look; }});
Object.assign({set a(v) { look(); }}, {a: 1});
var g = {};
Object.defineProperty(g, 'value', {get: look, enumerable: true});
try { Object.defineProperty({}, 'x', g); } catch (e) {}
try { Object.defineProperties({}, {x: g}); } catch (e) {}
try { Object.create({}, {x: g}); } catch (e) {}
<% template "misuse" %>
