// an await that never ends
// want: HANDLER_ERROR
// engine: goja

await new Promise(() => {}); return 'never'
