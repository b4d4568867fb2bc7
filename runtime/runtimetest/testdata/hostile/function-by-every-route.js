// Function by every route
// engine: goja

let n = 0;
for (const f of [() => {}, async () => {}, function* () {}, class {}, Math.max, respond]) try {
  f.constructor('for (;;) ;')(); n++; } catch {}
return n
