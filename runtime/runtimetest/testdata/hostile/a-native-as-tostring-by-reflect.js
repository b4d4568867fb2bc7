// a native as toString by Reflect
// engine: goja

const o = {toString: Reflect.get('x'.constructor.prototype, 'tr' + 'im')}; '' + o
