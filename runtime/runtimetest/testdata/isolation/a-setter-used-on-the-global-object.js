// a setter used on the global object

var g = (function () { return this; })(), was = [typeof body, typeof name, typeof message].join(),
  id = request.id;
[[Object.getPrototypeOf(request), 'body'], [Error.prototype, 'name'], [Error.prototype, 'message'],
  [URL.prototype, 'href']].forEach(function (p) { var d = Object.getOwnPropertyDescriptor(p[0], p[1]);
  if (d && d.set) try { d.set.call(g, id); } catch (e) {} });
return was
