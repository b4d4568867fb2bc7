// a promise that never settles
// want: HANDLER_ERROR
// engine: goja

return new Promise(() => {})
