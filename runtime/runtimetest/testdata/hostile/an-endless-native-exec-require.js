// an endless native exec: require
// engine: goja

const r = /x/g; r.exec = () => module.exports; r.exec = require; './main'.replace(r, '')
