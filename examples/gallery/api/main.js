// GET    /api/photos         the newest photos, and who is signed in
// POST   /api/photos         a form with a title, and files in the field photo
// GET    /api/photos/{id}    the photo itself
// DELETE /api/photos/{id}    removes one's own
//
// A photo is a blob and a document beside it, which has the blob's path.

var SHOWN = 60;
var MOST = 5 * 1024 * 1024; // bytes of one photo

// What the first bytes of a file must be. What a browser says of its type is the
// visitor's word, and a page with a script could be sent as a picture.
var TYPES = [
  { mime: 'image/png', begins: '89504e470d0a1a0a' },
  { mime: 'image/jpeg', begins: 'ffd8ff' },
  { mime: 'image/gif', begins: '47494638' },
  { mime: 'image/webp', begins: '52494646' }
];

var ds = fazt.storage.ds, s3 = fazt.storage.s3;

function problem(status, code, message) {
  return respond(status, { error: { code: code, message: message } });
}

function mimeOf(file) {
  var hex = file.data.slice(0, 8).toString('hex');
  for (var i = 0; i < TYPES.length; i++) {
    if (hex.indexOf(TYPES[i].begins) === 0) return TYPES[i].mime;
  }
  return null;
}

function list() {
  var user = fazt.auth.getUser();
  return {
    user: user && user.name,
    login: fazt.auth.getLoginURL('/'),
    logout: fazt.auth.getLogoutURL(),
    photos: ds.find('photos', {}, { order: 'desc', limit: SHOWN }).map(function (photo) {
      return { id: photo.id, title: photo.title, by: photo.by, mine: user !== null && photo.owner === user.id };
    })
  };
}

function upload(request) {
  fazt.auth.requireLogin();
  var user = fazt.auth.getUser();
  var files = request.filesAll && request.filesAll.photo || [];
  if (files.length === 0) return problem(400, 'EMPTY', 'choose a photo first');
  var title = String(request.form.title || '').trim().slice(0, 100);
  // All are looked at before one is kept.
  var types = [];
  for (var i = 0; i < files.length; i++) {
    if (files[i].size > MOST) return problem(413, 'TOO_LARGE', files[i].name + ' is larger than 5 MiB');
    var type = mimeOf(files[i]);
    if (type === null) return problem(415, 'TYPE', files[i].name + ' is no PNG, JPEG, GIF or WebP');
    types.push(type);
  }
  var ids = files.map(function (file, i) {
    var path = 'photos/' + crypto.randomUUID();
    s3.put(path, file.data, types[i]);
    return ds.insert('photos', { path: path, title: title || file.name.slice(0, 100), by: user.name, owner: user.id });
  });
  return respond(201, { ids: ids });
}

function show(id) {
  var photo = ds.findOne('photos', id);
  if (!photo) return problem(404, 'NOT_FOUND', 'there is no such photo');
  // The id leads to this photo for ever, so a browser may keep it.
  return respond(200, s3.serve(photo.path), { 'Cache-Control': 'private, max-age=86400', 'Content-Security-Policy': 'sandbox' });
}

function remove(id) {
  fazt.auth.requireLogin();
  var photo = ds.findOne('photos', { id: id, owner: fazt.auth.getUser().id });
  if (!photo) return problem(404, 'NOT_FOUND', 'you have no such photo');
  ds.delete('photos', { id: id });
  s3.delete(photo.path);
  return { removed: id };
}

function handler(request) {
  var parts = request.path.split('/'), id = parts[3];
  if (parts[2] !== 'photos') return problem(404, 'NOT_FOUND', 'there is nothing at this address');
  switch (request.method + (id ? ' one' : '')) {
    case 'GET': return list();
    case 'POST': return upload(request);
    case 'GET one': return show(id);
    case 'DELETE one': return remove(id);
  }
  return problem(405, 'METHOD', 'this can not be done here');
}
