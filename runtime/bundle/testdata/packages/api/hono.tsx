/** @jsxImportSource hono/jsx */
import { Hono } from 'hono';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { TrieRouter } from 'hono/router/trie-router';
import { html, raw } from 'hono/html';

const Page = ({ title, items }: { title: string; items: string[] }) => (
  <main class="page">
    <h1>{title}</h1>
    <ul>{items.map((i) => <li>{i}</li>)}</ul>
  </main>
);

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
  return {
    answers,
    routes: app.routes.map((r) => [r.method, r.path]),
    page: String(await (<Page title="a < b" items={['1', '&']} />)),
    html: String(await html`<p>${'<b>'}${raw('<i>')}</p>`),
  };
}
