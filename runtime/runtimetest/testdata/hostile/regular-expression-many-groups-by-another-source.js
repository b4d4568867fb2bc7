// regular expression: many groups, by another source
// engine: goja

const r = /x/g; Object.defineProperty(r, 'source', {value: '('.repeat(2e7)}); [...'x'.matchAll(r)]
