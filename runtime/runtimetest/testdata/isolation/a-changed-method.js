// a changed method

var was = 'x'.trim(), id = request.id;
String.prototype.trim = function () { return id; };
try { Object.defineProperty(String.prototype, 'trim', {value: function () { return id; }}); } catch (e) {}
return was
