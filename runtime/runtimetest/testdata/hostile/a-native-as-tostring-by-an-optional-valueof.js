// a native as toString by an optional valueOf
// engine: goja

const t = ''.trim?.valueOf?.(); '' + {toString: t}
