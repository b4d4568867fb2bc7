// a native as toString by super
// engine: goja

const f = {__proto__: '', m() { return super['tr' + 'im']; }}.m(); '' + {toString: f}
