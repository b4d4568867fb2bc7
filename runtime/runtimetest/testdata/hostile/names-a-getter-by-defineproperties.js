// a native's name is a getter that captures the stack, by defineProperties
// engine: goja

const text = () => new Error().stack.length, again = () => [1].map(text);
try { Object.defineProperties([].map, new Proxy({}, {ownKeys: () => ['name'],
  getOwnPropertyDescriptor: () => ({value: {get: again}, enumerable: true, configurable: true}),
  get: () => ({get: again})})); } catch {}
Object.defineProperties([].map, {name: {get: again}});
again()
