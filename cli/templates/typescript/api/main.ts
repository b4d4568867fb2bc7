// GET /api/items lists the items, POST /api/items {"text"} adds one. Types are stripped when
// this is deployed, and checked by an editor that knows fazt.d.ts: fazt types writes it.
/// <reference path="../fazt.d.ts" />

interface Item {
  id: string;
  text: string;
}

const longest = 200; // characters

function problem(status: number, code: string, message: string) {
  return respond(status, { error: { code, message } });
}

function list(): { items: Item[] } {
  return { items: fazt.storage.ds.find('items', {}, { order: 'desc', limit: 100 }) as unknown as Item[] };
}

function add(body: { text?: unknown } | undefined) {
  const text = typeof body?.text === 'string' ? body.text.trim() : '';
  if (text === '' || text.length > longest) {
    return problem(400, 'INVALID', `text: must be 1 to ${longest} characters`);
  }
  return respond(201, { id: fazt.storage.ds.insert('items', { text }) });
}

export default function (request: fazt.Request) {
  switch (`${request.method} ${request.path}`) {
    case 'GET /api/items': return list();
    case 'POST /api/items': return add(request.body);
  }
  return problem(404, 'NOT_FOUND', 'there is nothing at this address');
}
