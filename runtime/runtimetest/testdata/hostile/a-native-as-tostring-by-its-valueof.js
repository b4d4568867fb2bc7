// a native as toString by its valueOf
// engine: goja

const t = ''.trim.valueOf(); '' + {toString: t}
