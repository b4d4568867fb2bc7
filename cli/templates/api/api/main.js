// GET /api/items lists the items, POST /api/items {"text"} adds one.

function problem(status, code, message) {
  return respond(status, { error: { code: code, message: message } });
}

function list() {
  return { items: fazt.storage.ds.find('items', {}, { order: 'desc', limit: 100 }) };
}

function add(body) {
  var text = body && body.text;
  if (typeof text !== 'string' || text.trim() === '' || text.length > 200) {
    return problem(400, 'INVALID', 'text: must be 1 to 200 characters');
  }
  return respond(201, { id: fazt.storage.ds.insert('items', { text: text.trim() }) });
}

function handler(request) {
  switch (request.method + ' ' + request.path) {
    case 'GET /api/items': return list();
    case 'POST /api/items': return add(request.body);
  }
  return problem(404, 'NOT_FOUND', 'there is nothing at this address');
}
