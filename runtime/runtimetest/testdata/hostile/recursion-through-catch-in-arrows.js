// recursion through catch in arrows
// engine: goja

const f = () => { try { f(); } catch { f(); } }; f()
