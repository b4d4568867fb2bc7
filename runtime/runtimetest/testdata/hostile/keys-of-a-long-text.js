// keys of a long text
// engine: goja

return {...'x'.repeat(2e6)}
