package fazt_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/storage"
)

// script deploys a handler as the next version of an app, whose data stays, and
// returns its answer as "status body".
func script(t *testing.T, srv *fazt.Server, app, js string) string {
	t.Helper()
	deploy(t, srv, app, files("api/main.js", js))
	return get(srv, "http://"+app+".localhost/api")
}

// do sends a request to a handler.
func do(h http.Handler, method, url string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBlobBindings(t *testing.T) {
	srv := open(t, func(o *fazt.Options) {
		o.MaxUpload = 100
		o.Quotas = storage.Quotas{Blob: 1000, Total: 2000}
	})
	const caught = `function code(f) { try { return f() } catch (e) { return e.code + ' ' + e.message } }; var s3 = fazt.storage.s3; `
	tests := []struct{ name, js, want string }{
		{"none", `[s3.get('a'), s3.getBytes('a'), s3.delete('a'), s3.list()]`, `200 [null,null,false,[]]`},
		{"put", `s3.put('a/b.txt', 'h\u00e9', 'text/x')`,
			`200 {"path":"a/b.txt","mime":"text/x","size":3,"hash":"7dfbe0eab96510b11c9a2671d83019cd52953211294db5f917ffa0b7cc84f534`},
		{"get", `var b = s3.get('a/b.txt'); [b.data, b.mime, b.size, b.hash.length]`, `200 ["aMOp","text/x",3,64]`},
		{"bytes in and out", `s3.put('c', s3.getBytes('a/b.txt')); s3.getBytes('c').toString('utf8')`, "200 h\u00e9"},
		{"type by the name", `s3.put('page.css', ''); s3.get('page.css').mime`, `200 text/css; charset=utf-8`},
		{"list", `[s3.list('a/').length, s3.list('', {limit: 1})[0].path, s3.list('', {after: 'c'})[0].path, s3.list()[0].updatedAt > 1e12]`, `200 [1,"a/b.txt","page.css",true]`},
		{"two names for one store", `fazt.app.s3.get('c').size`, `200 3`},
		{"delete", `[s3.delete('c'), s3.delete('c')]`, `200 [true,false]`},
		{"too large for a handler", `s3.put('big', new Array(201).join('x')); code(function () { return s3.get('big') })`, `200 RESULT_TOO_LARGE the blob has 200 bytes, more than the 100`},
		{"too large", `code(function () { return s3.put('big', new Array(1002).join('x')) })`, `200 QUOTA_EXCEEDED s3.put: big: the blob would be 1001 bytes, and 1000 are allowed`},
		{"no path", `code(function () { return s3.put('', 'x') })`, `200 INVALID s3.put: path: is empty`},
		{"NUL", `code(function () { return s3.put('a\u0000', 'x') })`, `200 INVALID s3.put: path: contains a NUL byte`},
		{"bad type", `code(function () { return s3.put('a', 'x', 'html') })`, `200 INVALID s3.put: mime: is not a media type`},
		{"an object", `code(function () { return s3.put('a', {}) })`, `200 INVALID fazt.storage.s3.put: argument 2 must be a string or bytes`},
		{"no user", `code(function () { return fazt.app.user.s3.list() })`, `200 LOGIN_REQUIRED `},
		{"expires", `code(function () { return s3.url('a', {expires: 1e12}) })`, `200 INVALID fazt.storage.s3.url: argument 2: expires must be`},
	}
	for _, tt := range tests {
		if got := script(t, srv, "app", caught+tt.js); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestServeWithinResponse has a blob streamed wherever a handler says what its answer is.
func TestServeWithinResponse(t *testing.T) {
	srv := open(t)
	for _, engine := range []string{"otto", "goja"} {
		for js, want := range map[string]string{
			`respond(s3.serve('f.txt'))`:                                                                     "200 text/plain; charset=utf-8  300",
			`respond('first'); respond(s3.serve('f.txt')); 'ended'`:                                          "200 text/plain; charset=utf-8  300",
			`var r = s3.serve('f.txt'); r.status = 203; r.headers['X-A'] = 'a'; respond(r)`:                  "203 text/plain; charset=utf-8 a 300",
			`respond(203, s3.serve('f.txt'))`:                                                                "203 text/plain; charset=utf-8  300",
			`var r = s3.serve('f.txt'); r.headers['X-A'] = 'a'; respond(200, r, {'content-type': 'text/x'})`: "200 text/x a 300",
			`return {status: 203, body: s3.serve('f.txt')}`:                                                  "203 text/plain; charset=utf-8  300",
			`respond(200, s3.serve('none'))`:                                                                 "404 application/json  ",
			`respond({file: s3.serve('f.txt')})`:                                                             "200 application/json  ",
		} {
			deploy(t, srv, "app", files("fazt.json", `{"engine": "`+engine+`"}`, "api/main.js",
				`var s3 = fazt.storage.s3; s3.put('f.txt', new Array(301).join('x')); `+js))
			w := do(srv, "GET", "http://app.localhost/api")
			got := fmt.Sprint(w.Code, " ", w.Header().Get("Content-Type"), " ", w.Header().Get("X-A"), " ", w.Body.Len())
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s: %s, want %s", engine, js, got, want)
			}
		}
	}
}

func TestServeBlob(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("api/main.js", `
		var s3 = fazt.storage.s3, q = request.query;
		if (q.put) { s3.put('f.png', new Array(400001).join('0123456789')); return 'ok' }
		var res = s3.serve(q.path);
		if (q.status) res.status = Number(q.status);
		if (q.type) res.headers['Content-Type'] = q.type;
		return res;`))
	if got := get(srv, "http://app.localhost/api?put=1"); got != "200 ok" {
		t.Fatal(got)
	}
	const u = "http://app.localhost/api?path=f.png"
	whole := do(srv, "GET", u)
	if whole.Code != 200 || whole.Body.Len() != 4_000_000 || whole.Header().Get("Content-Type") != "image/png" || whole.Header().Get("Content-Length") != "4000000" {
		t.Fatalf("%d %v, %d bytes", whole.Code, whole.Header(), whole.Body.Len())
	}
	etag := whole.Header().Get("Etag")
	tests := []struct {
		name, method, url string
		header            []string
		status            int
		body, contentType string
	}{
		{"range", "GET", u, []string{"Range", "bytes=5-14"}, 206, "5678901234", "image/png"},
		{"last bytes", "GET", u, []string{"Range", "bytes=-3"}, 206, "789", "image/png"},
		{"past the end", "GET", u, []string{"Range", "bytes=4000000-"}, 416, "invalid range: failed to overlap\n", "text/plain; charset=utf-8"},
		{"too many ranges", "GET", u, []string{"Range", "bytes=0-0" + strings.Repeat(",2-2", 16)}, 200, whole.Body.String(), "image/png"},
		{"unchanged, and too many", "GET", u, []string{"If-None-Match", etag, "Range", "bytes=0-0" + strings.Repeat(",2-2", 16)}, 304, "", ""},
		{"unchanged", "GET", u, []string{"If-None-Match", etag}, 304, "", ""},
		{"changed", "GET", u, []string{"If-Range", `"x"`, "Range", "bytes=5-14"}, 200, whole.Body.String(), "image/png"},
		{"head", "HEAD", u, nil, 200, "", "image/png"},
		{"status", "GET", u + "&status=203", []string{"Range", "bytes=5-14"}, 203, whole.Body.String(), "image/png"},
		{"no body", "GET", u + "&status=204", nil, 204, "", ""},
		{"type", "GET", u + "&type=text/x", []string{"Range", "bytes=0-0"}, 206, "0", "text/x"},
	}
	for _, tt := range tests {
		w := do(srv, tt.method, tt.url, tt.header...)
		got := []any{w.Code, w.Body.Len(), w.Body.String() == tt.body, w.Header().Get("Content-Type")}
		if d := cmp.Diff([]any{tt.status, len(tt.body), true, tt.contentType}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	if w := do(srv, "GET", "http://app.localhost/api?path=none"); w.Code != 404 || !strings.Contains(w.Body.String(), `"NOT_FOUND"`) {
		t.Errorf("none: %d %s", w.Code, w.Body)
	}
}

// blobURL makes a blob of an app and returns a signed URL for it.
func blobURL(t *testing.T, srv *fazt.Server, app, path, data, mime string) string {
	t.Helper()
	js := fmt.Sprintf(`fazt.storage.s3.put(%q, %q, %q); fazt.storage.s3.url(%[1]q, {expires: 60000})`, path, data, mime)
	status, u, _ := strings.Cut(script(t, srv, app, js), " ")
	if status != "200" || !strings.HasPrefix(u, "/_fazt/blob?") {
		t.Fatalf("url: %s %s", status, u)
	}
	return "http://" + app + ".localhost" + u
}

func TestSignedURL(t *testing.T) {
	srv := open(t)
	const path = "d/\u00fc %2f&?#.txt"
	u := blobURL(t, srv, "app", path, "0123456789", "text/plain")
	w := do(srv, "GET", u, "Range", "bytes=2-4")
	if w.Code != 206 || w.Body.String() != "234" || w.Header().Get("Etag") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := do(srv, "HEAD", u); got.Code != 200 || got.Header().Get("Content-Length") != "10" || got.Body.Len() > 0 {
		t.Errorf("HEAD: %d %v", got.Code, got.Header())
	}
	if got := do(srv, "POST", u); got.Code != 405 {
		t.Errorf("POST: %d", got.Code)
	}
	blobURL(t, srv, "other", path, "another's", "text/plain")
	script(t, srv, "app", `fazt.storage.s3.put('secret', 'x'); 1`)

	// A link opens one blob of one app, for its time, and nothing else.
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	forge := func(change func(q url.Values)) string {
		q := parsed.Query()
		change(q)
		return "http://app.localhost/_fazt/blob?" + q.Encode()
	}
	forged := map[string]string{
		"another app":     strings.Replace(u, "app.localhost", "other.localhost", 1),
		"another path":    forge(func(q url.Values) { q.Set("path", "secret") }),
		"a user's":        forge(func(q url.Values) { q.Set("user", "u") }),
		"later":           forge(func(q url.Values) { q.Set("expires", q.Get("expires")+"0") }),
		"no expiry":       forge(func(q url.Values) { q.Del("expires") }),
		"no signature":    forge(func(q url.Values) { q.Del("signature") }),
		"short signature": forge(func(q url.Values) { q.Set("signature", q.Get("signature")[:10]) }),
		"NUL moved":       forge(func(q url.Values) { q.Set("user", "\x00"+path); q.Del("path") }),
		"broken":          "http://app.localhost/_fazt/blob?%zz",
		"bare":            "http://app.localhost/_fazt/blob",
	}
	for name, link := range forged {
		if w := do(srv, "GET", link); w.Code != 403 || strings.Contains(w.Body.String(), "0123456789") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := do(srv, "GET", "http://app.localhost/_fazt/other"); w.Code != 404 {
		t.Errorf("another path of the server's: %d", w.Code)
	}
	script(t, srv, "app", fmt.Sprintf(`fazt.storage.s3.delete(%q); 1`, path))
	if w := do(srv, "GET", u); w.Code != 404 {
		t.Errorf("deleted: %d", w.Code)
	}
	if _, err := srv.Deploy(t.Context(), "app", files("index.html", "x", "_fazt/blob", "mine")); err == nil || !strings.Contains(err.Error(), "_fazt/blob") {
		t.Errorf("a file in the server's place: %v", err)
	}
}

func TestSignedURLExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t)
		u := blobURL(t, srv, "app", "p", "data", "text/plain")
		for i, step := range []struct {
			wait time.Duration
			want int
		}{{0, 200}, {59 * time.Second, 200}, {2 * time.Second, 403}} {
			time.Sleep(step.wait)
			if w := do(srv, "GET", u); w.Code != step.want {
				t.Errorf("step %d: %d, want %d", i, w.Code, step.want)
			}
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestSignedURLIsInert checks that what a visitor uploaded does not run as a
// page of the app.
func TestSignedURLIsInert(t *testing.T) {
	srv := open(t)
	for mime, want := range map[string]string{
		"text/html": "sandbox", "image/svg+xml": "sandbox", "application/xhtml+xml": "sandbox", "text/xml": "sandbox",
		"text/javascript": "sandbox", "x/y": "sandbox", "image/png": "", "video/mp4": "", "application/pdf": "", "text/plain": "",
	} {
		w := do(srv, "GET", blobURL(t, srv, "app", `a/"q".html`, "<script>", mime))
		got := []string{w.Header().Get("Content-Security-Policy"), w.Header().Get("Content-Type"), w.Header().Get("Content-Disposition")}
		if d := cmp.Diff([]string{want, mime, `inline; filename="\"q\".html"`}, got); d != "" || w.Code != 200 {
			t.Errorf("%s: %d (-want +got):\n%s", mime, w.Code, d)
		}
	}
}

func TestSignedURLUnderAMount(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "shop", files("api/main.js", `fazt.storage.s3.put('p', 'data'); fazt.storage.s3.url('p')`))
	mux := http.NewServeMux()
	mux.Handle("/a/shop/", http.StripPrefix("/a/shop", srv.App("shop")))
	_, u, _ := strings.Cut(get(mux, "http://example.com/a/shop/api?x=1"), " ")
	if !strings.HasPrefix(u, "/a/shop/_fazt/blob?") {
		t.Fatal(u)
	}
	if got := get(mux, "http://example.com"+u); got != "200 data" {
		t.Error(got)
	}
}

func TestUsersOwnBlobs(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `
		var own = fazt.app.user.s3;
		if (request.query.put) own.put('p', request.query.put);
		var b = own.getBytes('p');
		respond({own: b && b.toString('utf8'), app: fazt.app.s3.list().length, url: own.url('p')})`))
	ask := func(v *harnesstest.App, path string) (out struct {
		Own string
		App int
		URL string
	}) {
		t.Helper()
		res := v.Send(v.Request(http.MethodGet, path, nil))
		if err := json.Unmarshal([]byte(res.Body), &out); err != nil {
			t.Fatal(err, res)
		}
		return out
	}
	ada, bob := app, app.Another()
	ada.SignIn("ada@example.com", "Ada", "user")
	bob.SignIn("bob@example.com", "Bob", "user")
	first := ask(ada, "/api?put=adas")
	if got := ask(bob, "/api"); got.Own != "" || got.App != 0 || first.Own != "adas" {
		t.Errorf("bob sees %+v, ada %+v", got, first)
	}
	// The link is the permission: no session is needed.
	nobody := app.Another()
	if res := nobody.Send(nobody.Request(http.MethodGet, first.URL, nil)); res.Status != 200 || res.Body != "adas" {
		t.Errorf("by the link: %v", res)
	}
}

func FuzzBlobLink(f *testing.F) {
	f.Add("path=p&expires=99999999999999&signature=AAAA")
	f.Add("path=p&expires=99999999999999&signature=")
	f.Add("user=%00&expires=1e9&signature=%zz;")
	f.Fuzz(func(t *testing.T, query string) {
		if fazt.ValidBlobLink(query) {
			t.Errorf("%q is signed by nobody", query)
		}
	})
}
