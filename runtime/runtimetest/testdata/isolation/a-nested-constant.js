// a nested constant
// engine: goja

const was = fazt.app.name;
try { Object.assign(fazt.app, {name: request.id}); } catch {}
try { Object.setPrototypeOf(fazt.app, {stash: 1}); } catch {}
return was + fazt.app.stash
