// a native as toString by all descriptors
// engine: goja

const d = Object.getOwnPropertyDescriptors(String.prototype); '' + {toString: d['tr' + 'im'].value}
