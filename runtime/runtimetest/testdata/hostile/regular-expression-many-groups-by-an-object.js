// regular expression: many groups, by an object
// engine: goja

const o = {toString: () => '('.repeat(2e7)};
for (const m of ['match', 'matchAll', 'search']) try { 'x'[m](o); } catch {}
