// regular expression: long searches
// engine: goja

const s = 'a'.repeat(1e5); let n = 0; while (n < 1e9) n += s.replace(/a*b/g, 'x').length
