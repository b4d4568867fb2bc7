// a revocable proxy
// engine: goja

const {proxy} = Proxy["revocable"]({}, {getPrototypeOf: Object}); proxy instanceof Array
