const failure = async (f) => {
  try {
    await f();
    return 'none';
  } catch (e) {
    return e.name;
  }
};

export default async function (request) {
  const headers = new Headers({ 'X-B': ' 1 ', 'x-a': 2 });
  headers.append('x-b', 'two');
  headers.append('Set-Cookie', 'a=1');
  headers.append('set-cookie', 'b=2');
  headers.set('Z', 'z');
  headers.delete('z');
  const seen = [];
  headers.forEach((value, name) => seen.push([name, value]));
  const post = new Request('http://Example.org/a?b=c#d', { method: 'post', body: new URLSearchParams({ x: '1 2' }), headers });
  const copy = post.clone();
  const res = new Response('é', { status: 201, statusText: 'Made', headers: [['a', 'b']] });
  const bytes = new Response(new Uint8Array([1, 2, 3]).subarray(1));
  const json = Response.json({ a: 1 }, { status: 202 });
  return {
    entries: [...headers], seen, keys: [...headers.keys()], values: [...headers.values()],
    got: [headers.get('X-B'), headers.get('none'), headers.has('X-A'), headers.getSetCookie(), headers.get('set-cookie')],
    request: [post.method, post.url, post.headers.get('content-type'), await post.text(), post.bodyUsed, await copy.text()],
    again: await failure(() => post.text()),
    response: [res.status, res.ok, res.statusText, [...res.headers], await res.text(), res.bodyUsed],
    bytes: [Array.from(new Uint8Array(await bytes.arrayBuffer())), bytes.headers.get('content-type')],
    json: [json.status, json.headers.get('content-type'), await json.json()],
    redirect: [Response.redirect('http://example.org/x', 301).status, Response.redirect('http://example.org/x').headers.get('location')],
    empty: [await new Response().text(), new Response(null, { status: 204 }).body, new Response().bodyUsed],
    failures: [
      await failure(() => new Headers({ 'a b': 'c' })), await failure(() => new Headers({ a: 'b\nc' })), await failure(() => new Headers([['a']])),
      await failure(() => new Request('/relative')), await failure(() => new Request('http://a', { body: 'x' })),
      await failure(() => new Response('', { status: 199 })), await failure(() => new Response('x', { status: 204 })),
      await failure(() => Response.json(undefined)), await failure(() => Response.redirect('http://a', 200)),
      await failure(() => new Response('{').json()),
    ],
    names: [String(headers), String(post), String(res), res instanceof Response],
    unchanged: [new Request(new Request('http://a/', { method: 'PUT', body: 'b' })).method, new Request('http://a', { method: 'patch' }).method],
  };
}
