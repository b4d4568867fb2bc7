// Who is signed in keeps files here. Nobody else can see or even list them.

var LARGEST = 10 * 1024 * 1024; // bytes of one file
var MOST = 500;                 // files of one user

function problem(status, code, message) {
  return respond(status, { error: { code: code, message: message } });
}

// A file's name is whatever its owner's machine called it, so it is kept behind an id,
// under which it is stored, and only ever shown.
function shown(file) {
  return {
    path: file.path, name: file.path.slice(file.path.indexOf('/') + 1), size: file.size, at: file.updatedAt,
    url: fazt.app.user.s3.url(file.path)
  };
}

function list() {
  return { files: fazt.app.user.s3.list('', { limit: MOST }).map(shown) };
}

function add(uploads) {
  if (!uploads) return problem(400, 'NO_FILE', 'choose a file first');
  if (fazt.app.user.s3.list('', { limit: MOST }).length + uploads.length > MOST) {
    return problem(409, 'TOO_MANY', 'you have ' + MOST + ' files; remove some first');
  }
  for (var i = 0; i < uploads.length; i++) {
    if (uploads[i].size > LARGEST) {
      return problem(413, 'TOO_LARGE', uploads[i].name + ' has more than ' + LARGEST / 1024 / 1024 + ' MiB');
    }
  }
  uploads.forEach(function (file) {
    fazt.app.user.s3.put(crypto.randomUUID() + '/' + file.name.slice(-100), file.data, file.type);
  });
  return respond(201, { added: uploads.length });
}

function remove(path) {
  if (!path) return problem(400, 'NO_PATH', 'path: is missing');
  fazt.app.user.s3.delete(path);
  return respond(204);
}

function handler(request) {
  fazt.auth.requireLogin(); // answers 401 and stops here when nobody is signed in
  switch (request.method + ' ' + request.path) {
    case 'GET /api/files': return list();
    case 'POST /api/files': return add(request.filesAll && request.filesAll.file);
    case 'DELETE /api/files': return remove(request.query.path);
  }
  return problem(404, 'NOT_FOUND', 'there is nothing at this address');
}
