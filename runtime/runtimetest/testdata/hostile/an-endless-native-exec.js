// an endless native exec
// engine: goja

const r = /x/g; r.exec = Object.valueOf(); 'x'.replace(r, '')
