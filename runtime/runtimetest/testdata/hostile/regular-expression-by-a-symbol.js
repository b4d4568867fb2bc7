// regular expression: by a symbol
// engine: goja

RegExp.prototype[Symbol.match].call(/^(?=(a+)+$)x/, 'a'.repeat(50) + 'b')
