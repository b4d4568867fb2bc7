//go:build integration

package harnesstest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
)

// site is the app that the suite deploys.
var site = fstest.MapFS{
	"manifest.json":     {Data: []byte(`{"headers": {"/docs/*": {"X-Docs": "yes"}}}`)},
	"index.html":        {Data: []byte("<!doctype html><title>home</title>")},
	"docs/index.html":   {Data: []byte("<!doctype html><title>docs</title>")},
	"assets/app.css":    {Data: []byte(strings.Repeat("body { margin: 0 }\n", 100))},
	"private/plan.txt":  {Data: []byte("for members")},
	"api/lib/double.js": {Data: []byte(`module.exports = function (n) { return 2 * n }`)},
	"api/main.js": {Data: []byte(`
var double = require('./lib/double');
function handler(request) {
	var kv = fazt.storage.kv;
	switch (request.path) {
	case '/api/echo': return {method: request.method, query: request.query, body: request.body};
	case '/api/double': return {result: double(Number(request.query.n))};
	case '/api/hit': return {hits: kv.incr('hits')};
	case '/api/note':
		if (request.method === 'PUT') kv.set('note', request.body);
		return {note: kv.get('note')};
	case '/api/me': return {user: fazt.auth.getUser()};
	case '/api/mine':
		fazt.auth.requireLogin();
		fazt.app.user.kv.set('seen', true);
		return respond(201, {keys: fazt.app.user.kv.list('').length});
	}
	return respond(404, {error: 'no such route'});
}`)},
}

func TestStatic(t *testing.T) {
	t.Parallel()
	app := harnesstest.StartOrAttach(t).Deploy(site)
	for _, test := range []struct {
		path, contentType, cache string
		status                   int
		contains                 string
	}{
		{"/", "text/html; charset=utf-8", "no-cache", 200, "home"},
		{"/docs/", "text/html; charset=utf-8", "no-cache", 200, "docs"},
		{"/docs", "text/html; charset=utf-8", "no-cache", 200, "docs"}, // by a redirect
		{"/assets/app.css", "text/css; charset=utf-8", "public, max-age=300", 200, "margin"},
		{"/missing.txt", "application/json", "no-store", 404, "NOT_FOUND"},
		{"/private/plan.txt", "application/json", "no-store", 401, "LOGIN_REQUIRED"},
	} {
		res := app.Get(test.path)
		if res.Status != test.status || !strings.Contains(res.Body, test.contains) {
			t.Errorf("%s: %v", test.path, res)
		}
		if got := res.Header.Get("Content-Type"); got != test.contentType {
			t.Errorf("%s: Content-Type is %q, want %q", test.path, got, test.contentType)
		}
		if got := res.Header.Get("Cache-Control"); got != test.cache {
			t.Errorf("%s: Cache-Control is %q, want %q", test.path, got, test.cache)
		}
	}
	first := app.Get("/assets/app.css")
	again := app.Request(http.MethodGet, "/assets/app.css", nil)
	again.Header.Set("If-None-Match", first.Header.Get("Etag"))
	if res := app.Send(again); res.Status != http.StatusNotModified || res.Body != "" {
		t.Errorf("the same ETag: %v", res)
	}
	part := app.Request(http.MethodGet, "/assets/app.css", nil)
	part.Header.Set("Range", "bytes=0-3")
	if res := app.Send(part); res.Status != http.StatusPartialContent || res.Body != "body" {
		t.Errorf("a range: %v", res)
	}
	packed := app.Request(http.MethodGet, "/assets/app.css", nil)
	packed.Header.Set("Accept-Encoding", "gzip")
	if res := app.Send(packed); res.Header.Get("Content-Encoding") != "gzip" || len(res.Body) >= len(first.Body) {
		t.Errorf("gzip: %d of %d bytes, %v", len(res.Body), len(first.Body), res.Header)
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	app := harnesstest.StartOrAttach(t).Deploy(site)
	for _, test := range []struct {
		method, path string
		body         any
		status       int
		want         string
	}{
		{"GET", "/api/echo?a=1&b=two", nil, 200, `{"method":"GET","query":{"a":"1","b":"two"},"body":""}`},
		{"POST", "/api/echo", map[string]any{"deep": []int{1, 2}}, 200, `{"method":"POST","query":{},"body":{"deep":[1,2]}}`},
		{"GET", "/api/double?n=21", nil, 200, `{"result":42}`},
		{"GET", "/api/nothing", nil, 404, `{"error":"no such route"}`},
	} {
		res := app.Do(test.method, test.path, test.body)
		if diff := cmp.Diff(fmt.Sprint(test.status, " ", test.want), fmt.Sprint(res.Status, " ", res.Body)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.method, test.path, diff)
		}
	}
	malformed := app.Request("POST", "/api/echo", strings.NewReader(`{"a":`))
	malformed.Header.Set("Content-Type", "application/json")
	if res := app.Send(malformed); res.Status != 400 || !strings.Contains(res.Body, "INVALID_JSON") {
		t.Errorf("malformed JSON: %v", res)
	}
}

func TestKV(t *testing.T) {
	t.Parallel()
	app := harnesstest.StartOrAttach(t).Deploy(site)
	if res := app.Do("PUT", "/api/note", map[string]any{"text": "déjà %_ vu"}); res.Status != 200 {
		t.Fatal(res)
	}
	if res := app.Get("/api/note"); res.Body != `{"note":{"text":"déjà %_ vu"}}` {
		t.Errorf("what was stored is read as %v", res)
	}
	const visitors, hits = 8, 25
	var all sync.WaitGroup
	for range visitors {
		visitor := app.Another()
		all.Go(func() {
			for range hits {
				visitor.Get("/api/hit")
			}
		})
	}
	all.Wait()
	if res := app.Get("/api/hit"); res.Body != fmt.Sprintf(`{"hits":%d}`, visitors*hits+1) {
		t.Errorf("after %d hits: %v", visitors*hits, res)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	srv := harnesstest.StartOrAttach(t)
	app := srv.Deploy(site)
	if res := app.Get("/api/me"); res.Body != `{"user":null}` {
		t.Errorf("a stranger is %v", res)
	}
	if res := app.Get("/api/mine"); res.Status != 401 || !strings.Contains(res.Body, "LOGIN_REQUIRED") {
		t.Errorf("a stranger's own data: %v", res)
	}
	if !app.OffersDev() {
		t.Skip("SKIPPED: the server does not offer the dev provider, so nobody can be signed in; run it with: fazt serve --dev")
	}
	app.SignIn("ada@example.com", "Ada", "user")
	var me struct {
		User struct{ Email, Name, Role, Provider string }
	}
	if err := json.Unmarshal([]byte(app.Get("/api/me").Body), &me); err != nil {
		t.Fatal(err)
	}
	want := struct{ Email, Name, Role, Provider string }{"ada@example.com", "Ada", "user", "dev"}
	if diff := cmp.Diff(want, me.User); diff != "" {
		t.Errorf("fazt.auth.getUser() (-want +got):\n%s", diff)
	}
	if res := app.Get("/private/plan.txt"); res.Body != "for members" {
		t.Errorf("private file for a member: %v", res)
	}
	if res := app.Get("/api/mine"); res.Status != 201 || res.Body != `{"keys":1}` {
		t.Errorf("a member's own data: %v", res)
	}
	if res := app.Another().Get("/api/me"); res.Body != `{"user":null}` {
		t.Errorf("another visitor is %v", res)
	}
	// An app learns of its own visitors only.
	if res := srv.Deploy(site).Get("/api/me"); res.Body != `{"user":null}` {
		t.Errorf("another app sees %v", res)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	srv := harnesstest.StartOrAttach(t)
	nobody := srv.Visit("nobody-has-this")
	if res := nobody.Get("/<script>x</script>"); res.Status != 404 || strings.Contains(res.Body, "script>x") {
		t.Errorf("an unknown host: %v", res)
	}
	app := srv.Deploy(site)
	page := app.Request(http.MethodGet, "/nothing", nil)
	page.Header.Set("Accept", "text/html")
	if res := app.Send(page); res.Status != 404 || !strings.Contains(res.Body, "<h1>Not found</h1>") {
		t.Errorf("a person's unknown page: %v", res)
	}
	if res := app.Do(http.MethodPost, "/", nil); res.Status != 405 || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST to a file: %v", res)
	}
}

func TestPathTraversal(t *testing.T) {
	t.Parallel()
	app := harnesstest.StartOrAttach(t).Deploy(site)
	for _, path := range []string{
		"/manifest.json", "/./manifest.json", "/.//manifest.json", "/docs/../manifest.json", "/docs/%2e%2e/manifest.json",
		"/docs/..%2fmanifest.json", "/..%2f..%2f..%2fetc%2fpasswd", "/%5c..%5cmanifest.json", "/assets/%00app.css",
		"/x/../api/lib/double.js", "/.git/config", "/assets/.hidden",
	} {
		req := app.Request(http.MethodGet, "/", nil)
		req.URL.Opaque = path // sent as it is
		if res := app.Send(req); res.Status != http.StatusNotFound && res.Status != http.StatusBadRequest {
			t.Errorf("%s: %v", path, res)
		}
	}
	for _, path := range []string{"/x/../private/plan.txt", "/%70rivate/plan.txt", "/.//private/plan.txt", "/private//plan.txt"} {
		req := app.Request(http.MethodGet, "/", nil)
		req.URL.Opaque = path
		if res := app.Send(req); res.Status != http.StatusUnauthorized {
			t.Errorf("%s: %v", path, res)
		}
	}
}
