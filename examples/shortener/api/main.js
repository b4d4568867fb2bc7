// GET    /s/{code}           leads to the long address, for everybody
// GET    /api/me             who is signed in, and where to
// GET    /api/links          the links that one has made oneself
// POST   /api/links          {url, code?} makes one
// DELETE /api/links/{code}   removes one
//
// A link is a document whose id is its code, so that no code is there twice.

const CODE = /^[A-Za-z0-9_-]{3,40}$/;
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'; // none that looks like another

const ds = fazt.storage.ds;

function problem(status, code, message) {
  return respond(status, { error: { code, message } });
}

function follow(code) {
  const link = ds.findOne('links', code);
  if (!link) return problem(404, 'NOT_FOUND', 'there is no such link');
  ds.update('links', code, { $inc: { visits: 1 } }); // one step: no visit is lost
  return respond(302, '', { Location: link.url, 'Cache-Control': 'no-store' });
}

function randomCode() {
  return Array.from(crypto.getRandomValues(new Uint8Array(7)), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

// isWeb tells an address that a browser may be sent to: javascript: is one, too.
function isWeb(text) {
  if (typeof text !== 'string' || text.length > 2000 || !URL.canParse(text)) return false;
  return ['http:', 'https:'].includes(new URL(text).protocol);
}

function make(owner, body) {
  if (!body || !isWeb(body.url)) return problem(400, 'INVALID', 'url: must be an address that begins with http:// or https://');
  if (body.code !== undefined && !CODE.test(body.code)) {
    return problem(400, 'INVALID', 'code: must be 3 to 40 letters, digits, - and _');
  }
  const link = { id: body.code ?? randomCode(), url: new URL(body.url).href, visits: 0, owner };
  try {
    ds.insert('links', link);
  } catch (error) {
    if (error.code !== 'CONFLICT') throw error;
    return problem(409, 'TAKEN', 'there is a link of that name already');
  }
  return respond(201, shown(link));
}

function shown(link) {
  return { code: link.id, url: link.url, visits: link.visits };
}

function mine(owner) {
  return { links: ds.find('links', { owner }, { order: 'desc', limit: 100 }).map(shown) };
}

function remove(owner, code) {
  if (ds.delete('links', { id: code, owner }) === 0) return problem(404, 'NOT_FOUND', 'you have no such link');
  return { removed: code };
}

function me() {
  const user = fazt.auth.getUser();
  return { user: user && { name: user.name }, login: fazt.auth.getLoginURL('/'), logout: fazt.auth.getLogoutURL() };
}

function handler(request) {
  if (request.params.code) return follow(request.params.code);
  const [, , what, code] = request.path.split('/');
  if (what === 'me') return me();
  if (what !== 'links') return problem(404, 'NOT_FOUND', 'there is nothing at this address');
  fazt.auth.requireLogin();
  const owner = fazt.auth.getUser().id;
  switch (request.method + (code ? ' one' : '')) {
    case 'GET': return mine(owner);
    case 'POST': return make(owner, request.body);
    case 'DELETE one': return remove(owner, code);
  }
  return problem(405, 'METHOD', 'this can not be done here');
}
