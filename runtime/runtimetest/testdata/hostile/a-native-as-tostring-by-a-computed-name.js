// a native as toString by a computed name
// engine: goja

var k = 'tr' + 'im'; const o = {toString: ''[k]}; '' + o
