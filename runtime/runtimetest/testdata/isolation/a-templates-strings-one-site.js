// a template's strings, one site
// engine: goja

const site = () => (s => s)`a${1}b`;
const s = site(), was = [s.stash, Object.getPrototypeOf(s).stash, s === site()].join();
try { Object.getPrototypeOf(s).stash = request.id; } catch {}
return was
