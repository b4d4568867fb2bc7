// a native as toString by destructuring
// engine: goja

const {trim: t} = ''; '' + {toString: t}
