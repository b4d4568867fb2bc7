import { Hono } from 'hono';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { TrieRouter } from 'hono/router/trie-router';
import { html, raw } from 'hono/html';
import { jsx } from 'hono/jsx';

export default async function (request: { method: string }) {
  const answers: Record<string, unknown> = {};
  for (const Router of [RegExpRouter, TrieRouter]) {
    const router = new Router<string>();
    router.add('GET', '/posts/:id{[0-9]+}', 'post');
    router.add('GET', '/posts/*', 'posts');
    router.add('ALL', '/any/:rest{.+}', 'any');
    answers[router.name] = ['/posts/12', '/posts/x', '/any/a/b'].map((p) => router.match('GET', p));
  }
  const app = new Hono();
  app.use('*', async (c, next) => {
    await next();
    c.header('X-After', 'yes');
  });
  app.get('/hello/:name', (c) => c.text(c.req.param('name') + ' ' + c.req.query('q')));
  app.post('/json', async (c) => c.json({ got: await c.req.json(), type: c.req.header('Content-Type') }, 201));
  app.get('/away', (c) => c.redirect('/hello/x'));
  app.get('/page', (c) => c.html('<p>é</p>'));
  app.get('/fails', () => { throw new Error('no'); });
  app.onError((e, c) => c.text(e.message, 500));
  app.route('/sub', new Hono().post('/x', (c) => c.json({ x: 1 })));
  const items = ['1', '&'].map((i) => jsx('li', {}, i));
  const asked = [];
  const json = { method: 'POST', body: '{"a":[1]}', headers: { 'Content-Type': 'application/json' } };
  for (const [path, init] of [['/hello/Ann?q=1'], ['/json', json], ['/away'], ['/page'], ['/fails'], ['/nowhere']] as [string, any][]) {
    const res = await app.request(path, init);
    asked.push([res.status, Object.fromEntries(res.headers), await res.text()]);
  }
  return {
    answers,
    asked,
    routes: app.routes.map((r) => [r.method, r.path]),
    page: String(await jsx('main', { class: 'page' }, jsx('h1', {}, 'a < b'), jsx('ul', {}, ...items))),
    html: String(await html`<p>${'<b>'}${raw('<i>')}</p>`),
  };
}
