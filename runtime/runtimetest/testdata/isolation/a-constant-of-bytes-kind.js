// a constant of bytes' kind
// engine: goja

const was = JSON.stringify(fazt.app);
try { fazt.app.name = request.id; delete fazt.app.id; Object.defineProperty(fazt.app, 'x', {value: 1}); }
  catch {}
return was
