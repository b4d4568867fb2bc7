// a native as toString by a method for all
// engine: goja

let t; Object.prototype.m = function () { t = this; }; ''.trim.m(); '' + {toString: t}
