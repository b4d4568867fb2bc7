// a long parseInt
// engine: goja

parseInt('9'.repeat(1e7)); Number('9'.repeat(1e6)); +('1e' + '9'.repeat(1e6))
