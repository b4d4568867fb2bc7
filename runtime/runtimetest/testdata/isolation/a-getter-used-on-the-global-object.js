// a getter used on the global object

var g = (function () { return this; })(), was = [typeof body, typeof headers, typeof query].join(),
  p = Object.getPrototypeOf(request);
['body', 'headers', 'query'].forEach(function (k) { var d = p && Object.getOwnPropertyDescriptor(p, k);
  if (d && d.get) { try { d.get.call(g); } catch (e) {} try { d.get.call(undefined); } catch (e) {}
  try { (0, d.get)(); } catch (e) {} } });
return was
