// a replaced native
// engine: goja

const was = [3, 1].sort().join() + JSON.stringify({a: 1}) + 'x'.repeat(2);
for (const p of [Array.prototype, String.prototype, JSON]) for (const k of Object.getOwnPropertyNames(p)) try {
  p[k] = () => request.id; } catch {}
return was
