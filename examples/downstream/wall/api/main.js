function handler(request) {
  var notes = fazt.storage.ds;
  if (request.method === 'GET') return {notes: notes.find('notes').map(function (n) { return {text: n.text, by: n.by}; })};
  fazt.auth.requireLogin();
  if (!wall.hasRoom(notes.count('notes', {}))) return respond(409, {error: 'the wall is full'});
  notes.insert('notes', {text: String(request.body.text), by: fazt.auth.getUser().name});
  return respond(201, {});
}
