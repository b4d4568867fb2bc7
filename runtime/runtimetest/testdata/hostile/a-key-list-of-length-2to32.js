// the keys of a proxy are a list of length 2^32-1
// engine: goja

Object.keys(new Proxy({}, {ownKeys: () => ({length: 4294967295})}))
