// regular expression: by its constructor
// engine: goja

const r = /x/; new r.constructor('^(?=(a+)+$)x').test('a'.repeat(50) + 'b')
