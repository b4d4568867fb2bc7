// a required file's exports

var l = require('./counter'), was = l.stash; l.stash = request.id; return String(was)
