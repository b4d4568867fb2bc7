// console and respond

var was = [console.stash, respond.stash, console.log.stash].join();
console.stash = respond.stash = console.log.stash = request.id;
console.log = null;
return was
