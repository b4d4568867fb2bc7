// a native as toJSON
// engine: goja

const o = {}; o.toJSON = JSON.stringify.bind(null, o); JSON.stringify(o)
