// Everybody who signs in has a list of their own, which nobody else can read.
//
// GET    /api/me             who is signed in, and where to
// GET    /api/todos          the list, the newest first
// POST   /api/todos          {text} adds one
// PATCH  /api/todos/{id}     {done} or {text} changes one
// DELETE /api/todos/{id}     removes one

const LONGEST = 200; // characters
const MOST = 500;    // todos of one user

function problem(status, code, message) {
  return respond(status, { error: { code, message } });
}

const notFound = () => problem(404, 'NOT_FOUND', 'there is no such todo');

// cleaned is a text that a visitor has sent, or null if it is none.
function cleaned(text) {
  if (typeof text !== 'string') return null;
  text = text.trim();
  return text === '' || text.length > LONGEST ? null : text;
}

const badText = () => problem(400, 'INVALID', `text: write 1 to ${LONGEST} characters`);

const shown = ({ id, text, done }) => ({ id, text, done });

function list(todos) {
  return { todos: todos.find('todos', {}, { order: 'desc', limit: MOST }).map(shown) };
}

function add(todos, body) {
  const text = cleaned(body && body.text);
  if (text === null) return badText();
  if (todos.count('todos') >= MOST) return problem(409, 'FULL', 'remove something first');
  const id = todos.insert('todos', { text, done: false });
  return respond(201, { id, text, done: false });
}

function change(todos, id, body) {
  const changes = {};
  if (body && 'text' in body) {
    changes.text = cleaned(body.text);
    if (changes.text === null) return badText();
  }
  if (body && 'done' in body) {
    if (typeof body.done !== 'boolean') return problem(400, 'INVALID', 'done: must be true or false');
    changes.done = body.done;
  }
  if (todos.update('todos', id, changes) === 0) return notFound();
  return shown(todos.findOne('todos', id));
}

function remove(todos, id) {
  return todos.delete('todos', { id }) === 0 ? notFound() : { removed: id };
}

function me() {
  const user = fazt.auth.getUser();
  return { user: user && { name: user.name }, login: fazt.auth.getLoginURL('/'), logout: fazt.auth.getLogoutURL() };
}

function handler(request) {
  const [, , what, id] = request.path.split('/');
  if (what === 'me') return me();
  if (what !== 'todos') return problem(404, 'NOT_FOUND', 'there is nothing at this address');
  fazt.auth.requireLogin();
  const todos = fazt.app.user.ds;
  switch (request.method + (id ? ' one' : '')) {
    case 'GET': return list(todos);
    case 'POST': return add(todos, request.body);
    case 'PATCH one': return change(todos, id, request.body);
    case 'DELETE one': return remove(todos, id);
  }
  return problem(405, 'METHOD', 'this can not be done here');
}
