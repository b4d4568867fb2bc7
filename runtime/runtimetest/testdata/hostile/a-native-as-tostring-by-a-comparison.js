// a native as toString by a comparison
// engine: goja

let t; Function.prototype.toString = function () { t = this; return ''; }; ''.trim == ''; '' + {toString: t}
