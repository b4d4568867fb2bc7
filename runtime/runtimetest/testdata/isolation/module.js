// module

var was = module.stash + module.exports.stash; module.stash = request.id; exports.stash = request.id; return was
