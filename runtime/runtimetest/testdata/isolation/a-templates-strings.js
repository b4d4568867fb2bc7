// a template's strings
// engine: goja

const tag = s => s;
const was = tag`a${1}b`.stash + tag`a${1}b`.raw.stash;
try { tag`a${1}b`.stash = request.id; } catch {}
return was
