package fazt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// files makes an app of paths and their texts, in turn.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

// open makes a Server without a listener.
func open(t *testing.T, change ...func(*fazt.Options)) *fazt.Server {
	t.Helper()
	opt := fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db")}
	for _, f := range change {
		f(&opt)
	}
	harnesstest.InPlaceOfFile(t, &opt)
	srv, err := fazt.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func deploy(t *testing.T, srv *fazt.Server, name string, app fs.FS) *api.Deployment {
	t.Helper()
	d, err := srv.Deploy(t.Context(), name, app)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// get asks a handler for a URL and returns "status body".
func get(h http.Handler, url string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	return fmt.Sprint(w.Code, " ", w.Body.String())
}

func TestOptionsReportsEveryProblem(t *testing.T) {
	_, err := fazt.New(t.Context(), fazt.Options{
		Domain: "https://example.com", Slots: -1, MaxBody: -1, Budget: budget.Config{RequestTimeout: -1},
	})
	for _, want := range []string{"DataFile", "Domain", "Slots", "MaxBody", "RequestTimeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in: %v", want, err)
		}
	}
}

// TestDomainIsNoAddress: no app has a name below one.
func TestDomainIsNoAddress(t *testing.T) {
	_, err := fazt.New(t.Context(), fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db"), Domain: "203.0.113.7"})
	if err == nil || !strings.Contains(err.Error(), `Domain "203.0.113.7" is an address`) {
		t.Error(err)
	}
}

func TestTwoServersUnderOneMux(t *testing.T) {
	mux := http.NewServeMux()
	for _, prefix := range []string{"/a", "/b"} {
		srv := open(t)
		deploy(t, srv, "shop", files("index.html", "page of "+prefix, "sub/index.html", "sub", "api/main.js", `
			var kv = fazt.storage.kv;
			if (request.query.set) kv.set('x', request.query.set);
			respond({x: kv.get('x'), id: fazt.app.id.length});`))
		mux.Handle(prefix+"/", http.StripPrefix(prefix, srv.App("shop")))
	}
	for _, step := range []struct{ url, want string }{
		{"/a/", "200 page of /a"},
		{"/b/", "200 page of /b"},
		{"/a/api?set=mine", `200 {"x":"mine",`},
		{"/a/api", `200 {"x":"mine",`},
		{"/b/api", `200 {"id":`},
	} {
		if got := get(mux, step.url); !strings.HasPrefix(got, step.want) {
			t.Errorf("%s: got %s, want %s", step.url, got, step.want)
		}
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a/sub?q=1", nil))
	if got := w.Header().Get("Location"); w.Code != http.StatusMovedPermanently || got != "./sub/?q=1" {
		t.Errorf("/a/sub: %d to %q; want a relative redirect, which keeps the prefix", w.Code, got)
	}
}

func TestHosts(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Domain = "Example.com"; o.Home = "notes" })
	deploy(t, srv, "notes", files("index.html", "notes"))
	for url, want := range map[string]string{
		"http://notes.example.com/":       "200 notes",
		"http://NOTES.Example.COM.:8080/": "200 notes",
		"http://notes.localhost:8080/":    "200 notes",
		"http://example.com/":             "200 notes",
		"http://example.com/x":            "404 ",
		"http://other.example.com/":       "404 ",
		"http://notes.example.org/":       "404 ",
		"http://a.notes.example.com/":     "404 ",
		"http://admin.example.com/health": `200 {"data":{"status":"ok"`,
		"http://[::1]:8080/api/health":    `200 {"data":{"status":"ok"`,
		"http://127.0.0.1/api/deploy":     "405 ",
		"http://127.0.0.1/api/apps":       "401 ",
		"http://localhost:8080/":          "302 ",
		"http://notes.example.com/health": "404 ",
	} {
		if got := get(srv, url); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %.200s, want %s", url, got, want)
		}
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080/", nil))
	if got := w.Header().Get("Location"); got != "http://notes.localhost:8080/" {
		t.Errorf("the bare host leads to %q", got)
	}
	deploy(t, srv, "root", files("index.html", "root"))
	deploy(t, srv, "404", files("index.html", "lost?"))
	if got := get(srv, "http://example.com/"); got != "200 notes" {
		t.Errorf("with an app named root: %s", got)
	}
	if err := srv.RemoveApp(t.Context(), "notes", api.Removal{}); err != nil {
		t.Fatal(err)
	}
	if got := get(srv, "http://example.com/"); got != "200 root" {
		t.Errorf("without the home app: %s", got)
	}
	if got := get(srv, "http://nobody.example.com/"); got != "404 lost?" {
		t.Errorf("with an app named 404: %s", got)
	}
}

// TestWelcomeTellsWhereAppsAre: below an address there is nothing.
func TestWelcomeTellsWhereAppsAre(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Domain = "example.com" })
	for url, want := range map[string]string{
		"http://127.0.0.1:8080/":         "my-app.localhost:8080<",
		"http://localhost/":              "my-app.localhost<",
		"http://admin.example.com:8443/": "my-app.example.com:8443<",
	} {
		if got := get(srv, url); !strings.Contains(got, want) {
			t.Errorf("%s: want %s in %s", url, want, got)
		}
	}
}

func TestDeployByAnotherServer(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	serving := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	deploying := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	for version := 1; version <= 3; version++ {
		want := fmt.Sprint("version ", version)
		deploy(t, deploying, "app", files("index.html", want))
		eventually(t, func() bool { return get(serving, "http://app.localhost/") == "200 "+want })
	}
	if err := deploying.RemoveApp(t.Context(), "app", api.Removal{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return strings.HasPrefix(get(serving, "http://app.localhost/"), "404") })
	if err := deploying.RemoveApp(t.Context(), "app", api.Removal{}); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("removing it again: %v", err)
	}
}

// eventually waits for what another part of the system does in its own time.
// The bound is only ever reached by a failing test.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass")
		}
	}
}

// TestDeployIsAtomic reads an app while it is deployed again and again: every
// answer comes from one whole version.
func TestDeployIsAtomic(t *testing.T) {
	srv := open(t)
	version := func(n int) fs.FS {
		return files("index.html", fmt.Sprint("page ", n), "api/main.js", fmt.Sprintf(
			`respond(String(fazt.app.version === %d && require('./n.json') === %d))`, n, n), "api/n.json", fmt.Sprint(n))
	}
	deploy(t, srv, "app", version(1))
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if got := get(srv, "http://app.localhost/"); !strings.HasPrefix(got, "200 page ") {
					t.Errorf("page: %s", got)
					return
				}
				if got := get(srv, "http://app.localhost/api"); got != "200 true" {
					t.Errorf("handler: %s", got)
					return
				}
			}
		})
	}
	for n := 2; n <= 15; n++ {
		if d := deploy(t, srv, "app", version(n)); d.Version != n {
			t.Errorf("version %d, want %d", d.Version, n)
		}
	}
	stop()
	readers.Wait()
}

type outOfStock struct{ sku string }

func (e outOfStock) Error() string { return e.sku + " is out of stock" }
func (e outOfStock) Code() string  { return "OUT_OF_STOCK" }

func TestBind(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "early", files("api/main.js", `respond(shop.price('mug'))`))
	bind := func(name string, fn any) {
		t.Helper()
		if err := srv.Bind(name, fn); err != nil {
			t.Fatal(err)
		}
	}
	bind("shop.price", func(ctx context.Context, sku string) (int, error) {
		if sku == "hat" {
			return 0, outOfStock{sku}
		}
		return len(sku), ctx.Err()
	})
	bind("shop.tags", func(in struct{ Name string }, n int) []string { return []string{in.Name, fmt.Sprint(n)} })
	bind("shop.ping", func() {})
	bind("shop.fail", func() error { return errors.New("no luck") })
	deploy(t, srv, "late", files("api/main.js", `
		function attempt(f) { try { return f() } catch (e) { return [e instanceof Error, e.code, e.message] } }
		respond([
			shop.price('mug'), shop.tags({name: 'a'}, 2), shop.ping() === undefined, shop.tags(),
			attempt(function () { return shop.price('hat') }),
			attempt(function () { return shop.fail() })[2],
			attempt(function () { return shop.price(5) })[1]
		])`))
	want := `200 [3,["a","2"],true,["","0"],[true,"OUT_OF_STOCK","hat is out of stock"],"no luck","INVALID"]`
	if diff := cmp.Diff(want, get(srv, "http://late.localhost/api")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := get(srv, "http://early.localhost/api"); got != "200 3" {
		t.Errorf("an app that was deployed before: %s", got)
	}
	for name, fn := range map[string]any{
		"price": func() {}, "a..b": func() {}, "shop.price": func() {}, "shop.price.x": func() {}, "x.y": 5,
		"x.z": func() (int, int) { return 0, 0 }, "x.v": func(...int) {}, "fazt.storage.kv.get": func() {}, "console.log": func() {},
	} {
		if err := srv.Bind(name, fn); err == nil {
			t.Errorf("Bind(%q, %T) was accepted", name, fn)
		}
	}
}

func TestHandlerErrors(t *testing.T) {
	app := files("api/main.js", "console.log('before %d', 1);\nfail();\n")
	for _, dev := range []bool{true, false} {
		srv := open(t, func(o *fazt.Options) { o.Dev = dev })
		deploy(t, srv, "app", app)
		got := get(srv, "http://app.localhost/api")
		inside := []string{"ReferenceError", `"line":2`, `"source_line":"fail();"`, "before 1"}
		for _, text := range inside {
			if strings.Contains(got, text) != dev {
				t.Errorf("Dev %v: %s; contains %s: %v", dev, got, text, !dev)
			}
		}
		if !strings.HasPrefix(got, `500 {"error":{"code":"HANDLER_ERROR"`) || !strings.Contains(got, `"request_id":"`) {
			t.Errorf("Dev %v: %s", dev, got)
		}
	}
}

func TestBudgetEndsHandlers(t *testing.T) {
	srv := open(t, func(o *fazt.Options) {
		o.Handler = runtime.Limits{CPU: 50 * time.Millisecond}
	})
	deploy(t, srv, "app", files("index.html", "page", "api/main.js", `while (true) { try { while (true) {} } catch (e) {} finally {} }`))
	if got := get(srv, "http://app.localhost/api"); !strings.HasPrefix(got, `503 {"error":{"code":"BUDGET_CPU"`) {
		t.Errorf("an endless loop: %s", got)
	}
	if got := get(srv, "http://app.localhost/"); got != "200 page" {
		t.Errorf("after it: %s", got)
	}
}

func TestSecretsStayOutOfHandlers(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `respond(200, [request.headers, request.cookies], {'Set-Cookie': ['fazt_session=forged', 'own=1']})`))
	app.SignIn("ada@example.com", "Ada", "user")
	req := app.Request(http.MethodGet, "/api", nil)
	req.Header.Set("Authorization", "Bearer fzt_abc_def")
	req.AddCookie(&http.Cookie{Name: "theme", Value: "dark"})
	res := app.Send(req)
	if strings.Contains(res.Body, "session") || strings.Contains(res.Body, "fzt_") || !strings.Contains(res.Body, `{"theme":"dark"}`) {
		t.Errorf("the handler saw %s", res.Body)
	}
	if got := res.Header.Values("Set-Cookie"); len(got) != 1 || got[0] != "own=1" {
		t.Errorf("it set %q", got)
	}
}

func TestSiblingAppCannotForge(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `respond('done')`))
	app.SignIn("ada@example.com", "Ada", "user")
	req := app.Request(http.MethodPost, "/api", nil)
	req.Header.Set("Sec-Fetch-Site", "same-site")
	req.Header.Set("Origin", "http://evil.localhost")
	if res := app.Send(req); res.Status != http.StatusForbidden {
		t.Errorf("a sibling's POST with the visitor's session: %v", res)
	}
	// An app may have sessions of its own, so no other site's page may use them.
	req = app.Another().Request(http.MethodPost, "/api", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if res := app.Another().Send(req); res.Status != http.StatusForbidden {
		t.Errorf("a POST by another site's page: %v", res)
	}
	if res := app.Another().Do(http.MethodPost, "/api", nil); res.Status != http.StatusOK {
		t.Errorf("a POST by a program, which is no page: %v", res)
	}
}

func TestManagementAPI(t *testing.T) {
	srv := harnesstest.Start(t)
	call := func(method, path, token string) string {
		req, err := http.NewRequest(method, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(res.StatusCode, " ", string(body))
	}
	key, err := srv.Fazt.CreateKey(t.Context(), "reader", "read")
	if err != nil {
		t.Fatal(err)
	}
	srv.DeployAs("notes", files("index.html", ""))
	for _, test := range []struct{ method, path, token, want string }{
		{"GET", "/api/health", "", `200 {"data":{"status":"ok"`},
		{"POST", "/api/health", "", "405 "},
		{"GET", "/api/apps", "", `401 {"error":{"code":"UNAUTHORIZED"`},
		{"GET", "/api/apps", "fzt_bad_key", `401 {"error":{"code":"UNAUTHORIZED"`},
		{"GET", "/api/apps", key, `200 {"data":[{"id":"`},
		{"DELETE", "/api/apps/notes", key, `403 {"error":{"code":"FORBIDDEN"`},
		{"POST", "/api/deploy", key, `403 {"error":{"code":"FORBIDDEN"`},
		{"GET", "/api/nothing", key, "404 "},
	} {
		if got := call(test.method, test.path, test.token); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s %s: got %s, want %s", test.method, test.path, got, test.want)
		}
	}
	if res := srv.TryDeploy("notes", files("manifest.json", "{")); res.Status != 422 || !strings.Contains(res.Body, "INVALID_APP") {
		t.Errorf("a broken manifest: %v", res)
	}
	if res := srv.TryDeploy("notes", files("api/main.js", "var")); res.Status != 422 || !strings.Contains(res.Body, "api/main.js:1:") {
		t.Errorf("a broken handler: %v", res)
	}
}

func TestServeDrains(t *testing.T) {
	srv := open(t)
	started := make(chan struct{})
	finish := make(chan struct{})
	if err := srv.Bind("test.wait", func() { close(started); <-finish }); err != nil {
		t.Fatal(err)
	}
	deploy(t, srv, "app", files("api/main.js", `test.wait(); fazt.storage.kv.set('done', true); respond('late')`))
	l := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- srv.Serve(ctx, l) }()
	answer := make(chan string)
	go func() {
		req, _ := http.NewRequest(http.MethodGet, "http://"+l.Addr().String()+"/api", nil)
		req.Host = "app.localhost"
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-started
	stop()
	close(finish)
	if got := <-answer; got != "late" {
		t.Errorf("a request that was running: %s", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// A body's length is said, by us or by net/http.
func TestBodyHasLength(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `respond(200, new Array(+request.query.n + 1).join('x'))`))
	for _, method := range []string{"GET", "HEAD"} {
		for _, n := range []int{1, 2047, 2048, 2049, 10_000} {
			req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("%s/api?n=%d", srv.URL, n), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = address(app.URL)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.ContentLength != int64(n) {
				t.Errorf("%s of %d: length %d", method, n, res.ContentLength)
			}
		}
	}
}
