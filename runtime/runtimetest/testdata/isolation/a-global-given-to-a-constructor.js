// a global given to a constructor

var g = (function () { return this; })(), id = request.id,
  was = [typeof _pairs, typeof _parts, typeof length, g.length,
  g._pairs && g._pairs[0] && g._pairs[0][1]].join(), b = test.bytes(new Array(+id.slice(1) + 1).join('x'));
[function () { URLSearchParams.call(g, 'a=' + id); }, function () { URL.call(g, 'http://' + id); },
  function () { b.constructor.call(g, id); }, function () { request.constructor.call(g, id, id); },
  function () { Error.call(g, id); }, function () { TextDecoder.call(g); },
  function () { RegExp.call(g, id); }].forEach(function (f) { try { f(); } catch (e) {} });
return was
