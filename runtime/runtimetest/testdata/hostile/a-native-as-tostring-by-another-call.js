// a native as toString by another call
// engine: goja

let t; Function.prototype.call = function () { t = this; }; ''.trim.call(); '' + {toString: t}
