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
  app.get('/hello/:name', (c) => c.text(c.req.param('name')));
  app.route('/sub', new Hono().post('/x', (c) => c.json({ x: 1 })));
  const items = ['1', '&'].map((i) => jsx('li', {}, i));
  return {
    answers,
    routes: app.routes.map((r) => [r.method, r.path]),
    page: String(await jsx('main', { class: 'page' }, jsx('h1', {}, 'a < b'), jsx('ul', {}, ...items))),
    html: String(await html`<p>${'<b>'}${raw('<i>')}</p>`),
  };
}
