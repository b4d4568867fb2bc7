// an error of Go's that is its own message
// engine: goja

const o = new GoError('a'); o.message = o; return '' + o
