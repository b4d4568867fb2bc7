package bundle_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A Response or Headers of the web is what a handler answers with.
func TestResponses(t *testing.T) {
	type sent struct {
		Status int
		Header http.Header
		Body   string
	}
	const text, plain = "text/plain;charset=UTF-8", "text/plain; charset=utf-8"
	header := func(pairs ...string) http.Header {
		h := make(http.Header)
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	withType := func(h http.Header, contentType string) http.Header {
		if h.Get("Content-Type") == "" && contentType != "" {
			h = h.Clone()
			h.Set("Content-Type", contentType)
		}
		return h
	}
	for name, tt := range map[string]struct {
		code string // of api/main.js
		want sent
	}{
		"a text": {`export default () => {
  const headers = new Headers({ 'x-a': '1' });
  headers.append('x-a', '2');
  headers.append('Set-Cookie', 'a=1; Path=/');
  headers.append('set-cookie', 'b=2');
  return new Response('hé', { status: 203, headers });
}`, sent{203, header("X-A", "1, 2", "Set-Cookie", "a=1; Path=/", "Set-Cookie", "b=2", "Content-Type", text), "hé"}},
		"bytes":          {`export default () => new Response(new Uint8Array([0, 65, 255]).subarray(1));`, sent{200, header("Content-Type", "application/octet-stream"), "A\xff"}},
		"by a promise":   {`export default async () => { await null; return Response.json([1], { status: 201 }); }`, sent{201, header("Content-Type", "application/json"), "[1]"}},
		"no body":        {`export default () => new Response(null, { status: 204 });`, sent{204, header(), ""}},
		"an empty text":  {`export default () => new Response('');`, sent{200, header("Content-Type", text), ""}},
		"a redirect":     {`export default () => Response.redirect('http://example.org/x', 303);`, sent{303, header("Location", "http://example.org/x"), ""}},
		"before respond": {`export default () => { respond(500, 'no'); return new Response('x'); }`, sent{200, header("Content-Type", text), "x"}},
		"by respond":     {`export default () => { respond(new Response('x', { status: 202 })); }`, sent{202, header("Content-Type", text), "x"}},
		"of a class":     {`class Page extends Response {} export default () => new Page('x', { status: 404, headers: { 'content-type': 'text/html' } });`, sent{404, header("Content-Type", "text/html"), "x"}},
		"a clone":        {`export default async () => { const a = new Response('x'), b = a.clone(); await a.text(); return b; }`, sent{200, header("Content-Type", text), "x"}},
		"headers of respond": {`export default () => respond(201, 'x', new Headers([['X-A', '1'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']]));`,
			sent{201, header("X-A", "1", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "Content-Type", plain), "x"}},
		"headers of an object": {`export default () => ({ headers: new Headers({ 'X-A': '1' }), body: 'x' });`, sent{200, header("X-A", "1", "Content-Type", plain), "x"}},
		"data that looks like one": {`export default () => [typeof Response, JSON.parse('{"(fazt answer)": {"status": 500}, "(fazt headers)": 1}')];`,
			sent{200, header("Content-Type", "application/json"), `["function",{"(fazt answer)":{"status":500},"(fazt headers)":1}]`}},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := answer(t, files{"api/main.js": tt.code}.fs())
			if err != nil {
				t.Fatal(err)
			}
			got := res.Response
			if got.Header == nil {
				got.Header = make(http.Header)
			}
			if diff := cmp.Diff(tt.want, sent{got.Status, withType(got.Header, got.ContentType), string(got.Body)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What would be lost of a Response is refused.
func TestResponsesThatAreRefused(t *testing.T) {
	const own = "a Response has a status and headers of its own; write return response, or respond(response)"
	for name, tt := range map[string]struct{ code, want string }{
		"behind a status":      {`export default () => respond(200, new Response('x'));`, "TypeError: respond: " + own},
		"before another value": {`export default () => respond(new Response('x'), 'y');`, "TypeError: respond: " + own},
		"a promise of one":     {`export default () => respond(200, Promise.resolve(new Response('x')));`, "TypeError: the body is a Response: " + own},
		"as a body":            {`export default () => ({ status: 200, body: new Response('x') });`, "TypeError: the body is a Response: " + own},
		"inside":               {`export default () => [new Response('x')];`, "[0]: it is a Response; return the Response by itself"},
		"read before":          {`export default async () => { const a = new Response('x'); await a.text(); return a; }`, "TypeError: the body of the Response has already been read"},
		"a header by a server": {`export default () => new Response('x', { headers: { 'content-length': '1' } });`, `response header "content-length" is the server's to set`},
		"headers in a map":     {`export default () => [new Headers()] && respond(200, 'x', new Map());`, "a response's headers must be a plain object"},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := answer(t, files{"api/main.js": tt.code}.fs())
			if err == nil {
				t.Fatalf("answered %d %s", res.Response.Status, res.Response.Body)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v\nwant: %s", err, tt.want)
			}
		})
	}
}
