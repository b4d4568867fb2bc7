// an error of Go's that is its own message, thrown
// engine: goja

const o = new GoError('a'); o.message = o; throw o
