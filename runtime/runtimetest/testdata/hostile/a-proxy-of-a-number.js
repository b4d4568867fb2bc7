// a proxy of a number
// engine: goja

return '' + new Proxy(Object(1), {})
