// a variable

var was = typeof mine; var mine = request.id; return was + typeof stash
