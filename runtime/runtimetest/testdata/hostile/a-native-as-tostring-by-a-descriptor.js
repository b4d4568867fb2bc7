// a native as toString by a descriptor
// engine: goja

const d = Object.getOwnPropertyDescriptor(String.prototype, 'tr' + 'im'); '' + {toString: d.value}
