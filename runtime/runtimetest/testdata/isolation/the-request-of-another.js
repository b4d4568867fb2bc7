// the request of another
// engine: goja

const was = request.user;
request.user = request.id;
request.headers.stash = 1;
request.query.stash = 1;
return String(was) + request.headers.x + request.query.y
