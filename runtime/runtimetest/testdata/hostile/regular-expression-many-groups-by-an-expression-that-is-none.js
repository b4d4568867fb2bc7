// regular expression: many groups, by an expression that is none
// engine: goja

const r = /x/g; r[Symbol.match] = false; r.toString = () => '('.repeat(2e7); new RegExp(r); [...'x'.matchAll(r)]
