// a native's name is a getter that captures the stack, by a proxy
// engine: goja

const text = () => new Error().stack.length, again = () => [1].map(text);
Object.defineProperty(new Proxy(new Proxy([].map, {}), {}), 'name', {get: again});
again()
