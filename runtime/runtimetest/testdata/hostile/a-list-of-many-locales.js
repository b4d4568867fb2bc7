// a list of many locales

var list = [], long = 'en-'; for (var i = 0; i < 20; i++) long += long; for (i = 0; i < 100000; i++) list.push('x' + i);
function name(f) { try { f(); } catch (e) { return e.name; } }
return [name(function () { (1).toLocaleString(list); }), name(function () { (1).toLocaleString(long); }), name(function () { new Date().toLocaleString('en', {timeZone: long}); }), name(function () { 'a'.localeCompare(long + long, 'de'); })];
