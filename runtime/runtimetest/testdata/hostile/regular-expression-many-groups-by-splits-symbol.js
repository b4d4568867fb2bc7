// regular expression: many groups, by split's symbol
// engine: goja

RegExp.prototype[Symbol.split].call({flags: 'g', toString: () => '('.repeat(2e7)}, 'x')
