// a native as toString by the file's function
// engine: goja

if (module.x) { const t = ''['tr' + 'im']; '' + {toString: t}; }
module.x = 1; return arguments.callee(exports, require, module, request, {check: 0, key: x => x, wanted: false})
