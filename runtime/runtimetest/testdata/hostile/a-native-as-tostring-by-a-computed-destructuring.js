// a native as toString by a computed destructuring
// engine: goja

const k = 'tr' + 'im', {[k]: t} = ''; '' + {toString: t}
