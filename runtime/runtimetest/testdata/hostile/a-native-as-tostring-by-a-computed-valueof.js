// a native as toString by a computed valueOf
// engine: goja

const t = ''.trim['value' + 'Of'](); '' + {toString: t}
