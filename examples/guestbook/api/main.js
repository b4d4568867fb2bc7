// Everybody reads the book; who is signed in may write in it.

var LONGEST = 500; // characters of an entry
var SHOWN = 50;    // entries, the newest

function problem(status, code, message) {
  return respond(status, { error: { code: code, message: message } });
}

function list() {
  return { entries: fazt.storage.ds.find('entries', {}, { order: 'desc', limit: SHOWN }).map(shown) };
}

function shown(entry) {
  return { id: entry.id, text: entry.text, author: entry.author, at: entry._createdAt };
}

function write(body) {
  fazt.auth.requireLogin(); // answers 401 and stops here when nobody is signed in
  var text = body && body.text;
  if (typeof text !== 'string' || text.trim() === '') {
    return problem(400, 'EMPTY', 'write a few words first');
  }
  text = text.trim();
  if (text.length > LONGEST) {
    return problem(400, 'TOO_LONG', 'use ' + LONGEST + ' characters or fewer');
  }
  var entry = { text: text, author: fazt.auth.getUser().name };
  return respond(201, { id: fazt.storage.ds.insert('entries', entry) });
}

function me() {
  var user = fazt.auth.getUser();
  return { user: user && { name: user.name } };
}

function handler(request) {
  switch (request.method + ' ' + request.path) {
    case 'GET /api/entries': return list();
    case 'POST /api/entries': return write(request.body);
    case 'GET /api/me': return me();
  }
  return problem(404, 'NOT_FOUND', 'there is nothing at this address');
}
