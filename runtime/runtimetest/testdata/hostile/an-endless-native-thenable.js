// an endless native thenable
// engine: goja

const o = {}; o.then = Promise.prototype.then.bind(Promise.resolve(o)); await o
