// GET /api/count reads the counter, POST /api/count adds one to it.

function handler(request) {
  if (request.path !== '/api/count') {
    return respond(404, { error: { code: 'NOT_FOUND', message: 'there is nothing at this address' } });
  }
  if (request.method === 'POST') {
    // One atomic step in the store. A get and a set would lose clicks.
    return { count: fazt.storage.kv.incr('count') };
  }
  return { count: fazt.storage.kv.get('count') || 0 };
}
