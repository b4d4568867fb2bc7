// regular expression: by another name
// engine: goja

const R = globalThis['Reg' + 'Exp']; new R('^(?=(a+)+$)x').test('a'.repeat(50) + 'b')
