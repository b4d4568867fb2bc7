// crypto and friends

var was = [crypto.stash, TextEncoder.stash, TextEncoder.prototype.stash, btoa.stash].join();
crypto.stash = TextEncoder.stash = TextEncoder.prototype.stash = btoa.stash = request.id;
return was
