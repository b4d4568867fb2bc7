// regular expression: many groups, by matchAll's symbol
// engine: goja

RegExp.prototype[Symbol.matchAll].call({flags: 'g', toString: () => '('.repeat(2e7)}, 'x')
