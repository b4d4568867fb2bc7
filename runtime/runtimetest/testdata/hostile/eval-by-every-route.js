// eval by every route
// engine: goja

let n = 0;
for (const f of [() => eval('for (;;) ;'), () => (0, eval)('for (;;) ;'),
  () => globalThis['ev' + 'al']('for (;;) ;'), () => Reflect.get(globalThis, 'ev' + 'al')('for (;;) ;')]) try {
  f(); n++; } catch {}
return n
