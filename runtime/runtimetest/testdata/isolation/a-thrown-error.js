// a thrown error

stash = 1; var was = typeof stash2; stash2 = request.id; if (request.path === '/never') throw 1; return was
