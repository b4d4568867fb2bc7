// the last match
// engine: goja

const was = [RegExp.$1, RegExp.lastMatch, RegExp.input].join(); /(.*)/.exec(request.id); return was
