// an error's stack
// engine: goja

try { null.x } catch (e) { const was = e.stack.includes('r' + (Number(request.id.slice(1)) - 1));
  Error.stackTraceLimit = 0; Error.prepareStackTrace = () => request.id; return String(was); }
