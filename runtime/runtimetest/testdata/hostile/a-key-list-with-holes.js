// the keys of a proxy are a list with holes
// engine: goja

Object.keys(new Proxy({}, {ownKeys: () => [, 1]}))
