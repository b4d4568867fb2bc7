// a native as toString by an accessor for all
// engine: goja

let t; Object.defineProperty(Object.prototype, 'm', {get() { t = this; }}); ''.trim.m; '' + {toString: t}
