// recursion through templates
// engine: goja

const o = {toString: () => `${o}`}; `${o}`
