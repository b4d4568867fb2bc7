// many descriptions
// engine: goja

const o = {}; for (let i = 0; i < 2e5; i++) o['k' + i] = i; Object.getOwnPropertyDescriptors(o)
