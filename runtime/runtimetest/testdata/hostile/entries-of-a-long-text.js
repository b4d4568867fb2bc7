// entries of a long text
// engine: goja

Object.entries('x'.repeat(2e6))
