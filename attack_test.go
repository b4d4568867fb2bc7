package fazt_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

// What follows are attempts that once succeeded.

func TestKeysAndSessionsStayHiddenHoweverWritten(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("api/main.js", `respond([request.headers, request.cookies])`))
	for _, header := range []http.Header{
		{"Authorization": {"fzt_a_b"}},
		{"Authorization": {"bearer fzt_a_b"}},
		{"Authorization": {"Bearer  fzt_a_b"}},
		{"Authorization": {"Basic x", "Bearer fzt_a_b"}},
		{"Cookie": {"fazt_session =fzt_a_b"}},
		{"Cookie": {"a=1; fazt_session=fzt_a_b", "__Host-fazt_session=fzt_a_b"}},
	} {
		req := httptest.NewRequest(http.MethodGet, "http://app.localhost/api", nil)
		req.Header = header
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "fzt_") {
			t.Errorf("%v: the handler sees %s", header, w.Body)
		}
	}
}

func TestKeyNeedsItsScheme(t *testing.T) {
	srv := open(t)
	key, err := srv.CreateKey(t.Context(), "test", "read")
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{
		key: 401, "Basic " + key: 401, "Bearer": 401, "Bearer " + key: 200, "bearer " + key: 200,
	} {
		req := httptest.NewRequest(http.MethodGet, "http://localhost/api/apps", nil)
		req.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("Authorization: %s: %d, want %d", strings.ReplaceAll(header, key, "KEY"), w.Code, want)
		}
	}
}

func TestHandlerCannotPlantSession(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("api/main.js", `respond(200, '', {'Set-Cookie': [
		'=fazt_session=EVIL; Path=/', ' fazt_session =EVIL', '__Host-fazt_session=EVIL', 'own=1']})`))
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://app.localhost/api", nil))
	if got := w.Header()["Set-Cookie"]; len(got) != 1 || got[0] != "own=1" {
		t.Errorf("it set %q", got)
	}
}

func TestStatusMustBeFinal(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `respond(Number(request.query.s), 'x')`))
	for status, want := range map[int]int{100: 500, 101: 500, 103: 500, 150: 500, 204: 204, 205: 205, 304: 304, 599: 599, 600: 500} {
		res := app.Get(fmt.Sprint("/api?s=", status))
		if res.Status != want || want < 400 && res.Body != "" {
			t.Errorf("respond(%d): %v", status, res)
		}
	}
}

// TestDeployWhileVersionsAreDropped has two servers deploy to one file that
// keeps a single version: neither may ever answer 404.
func TestDeployWhileVersionsAreDropped(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	one := func(o *fazt.Options) { o.DataFile, o.Deploy.KeepVersions = dataFile, 1 }
	servers := []*fazt.Server{open(t, one), open(t, one)}
	deploy(t, servers[0], "app", files("index.html", "page", "api/main.js", "respond('api')"))
	eventually(t, func() bool { return get(servers[1], "http://app.localhost/") == "200 page" })
	ctx, stop := context.WithCancel(t.Context())
	var readers, deployers sync.WaitGroup
	for _, srv := range servers {
		readers.Go(func() {
			for ctx.Err() == nil {
				if got := get(srv, "http://app.localhost/") + get(srv, "http://app.localhost/api"); got != "200 page200 api" {
					t.Errorf("got %s", got)
					return
				}
			}
		})
		deployers.Go(func() {
			for range 30 {
				if _, err := srv.Deploy(t.Context(), "app", files("index.html", "page", "api/main.js", "respond('api')")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	deployers.Wait()
	stop()
	readers.Wait()
}

func TestSameBytesUnderOtherNames(t *testing.T) {
	srv := open(t)
	text := strings.Repeat("the same bytes\n", 100)
	deploy(t, srv, "a", files("index.html", "", "LICENSE", text))
	deploy(t, srv, "b", files("index.html", "", "LICENSE.txt", text, "api/data.json", "["+text+"]", "data.json", "["+text+"]"))
	if got := get(srv, "http://b.localhost/LICENSE.txt"); got != "200 "+text {
		t.Errorf("got %.50s", got)
	}
}

func TestDatesNeverMixVersions(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("index.html", "", "a.txt", "one"))
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://app.localhost/a.txt", nil))
	modified := w.Header().Get("Last-Modified")
	deploy(t, srv, "app", files("index.html", "", "a.txt", "two"))
	for name, header := range map[string]http.Header{
		"If-Modified-Since": {"If-Modified-Since": {modified}},
		"If-Range":          {"If-Range": {modified}, "Range": {"bytes=0-1"}},
	} {
		req := httptest.NewRequest(http.MethodGet, "http://app.localhost/a.txt", nil)
		req.Header = header
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		if w.Code != http.StatusOK || w.Body.String() != "two" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	req := httptest.NewRequest(http.MethodGet, "http://app.localhost/a.txt", nil)
	req.Header.Set("Range", "bytes=0-0"+strings.Repeat(",1-1", 20))
	w = httptest.NewRecorder()
	srv.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Errorf("21 ranges: %d", w.Code)
	}
}

func TestUncleanPaths(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("index.html", "home", "auth/x.html", "mine", "dir/index.html", "dir", "dir/sub/index.html", "sub"))
	for path, want := range map[string]int{
		"//auth/x.html": 404, "/y/../auth/x.html": 404, "/auth/../index.html": 200, "/dir/./": 200,
	} {
		req := httptest.NewRequest(http.MethodGet, "http://app.localhost"+path, nil)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("%s: %d to %s, want %d", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	// A redirect is relative, and leads to the directory however its path was written.
	for path, body := range map[string]string{
		"/dir": "dir", "/dir/sub": "sub", "/dir/.": "dir", "/dir/sub/..": "dir", "/dir%2Fsub": "sub",
	} {
		req := httptest.NewRequest(http.MethodGet, "http://app.localhost"+path, nil)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		to, err := req.URL.Parse(w.Header().Get("Location"))
		if w.Code != http.StatusMovedPermanently || err != nil {
			t.Errorf("%s: %d to %s, %v", path, w.Code, to, err)
			continue
		}
		there := httptest.NewRecorder()
		srv.ServeHTTP(there, httptest.NewRequest(http.MethodGet, to.String(), nil))
		if there.Code != http.StatusOK || there.Body.String() != body {
			t.Errorf("%s leads to %s: %d %s", path, to, there.Code, there.Body)
		}
	}
}

func TestManifestHeadersAreSteady(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("ab.txt", "", "index.html", "",
		"manifest.json", `{"headers": {"/ab.txt": {"X-A": "path"}, "/ab.tx*": {"X-A": "prefix"}, "/*": {"X-A": "all", "X-B": "all"}}}`))
	for range 50 {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://app.localhost/ab.txt", nil))
		if got := w.Header().Get("X-A") + " " + w.Header().Get("X-B"); got != "path all" {
			t.Fatalf("got %s", got)
		}
	}
}

// TestPrivateFilesAreNotShared, whatever the manifest lets caches do with the rest.
func TestPrivateFilesAreNotShared(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("index.html", "", "private/a.txt", "", "private/b.txt", "",
		"manifest.json", `{"headers": {"/*": {"Cache-Control": "public, max-age=60"}, "/private/b.txt": {"Cache-Control": "no-store"}}}`))
	app.SignIn("ada@example.com", "Ada", "user")
	for path, want := range map[string]string{"/": "public, max-age=60", "/private/a.txt": "private, no-cache", "/private/b.txt": "no-store"} {
		for _, what := range []string{"from the store", "from memory"} {
			if res := app.Get(path); res.Status != http.StatusOK || res.Header.Get("Cache-Control") != want {
				t.Errorf("%s %s: %v", path, what, res)
			}
		}
	}
}

// TestNotFoundAppHasItsHeaders also where it answers for others.
func TestNotFoundAppHasItsHeaders(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "404", files("index.html", "lost", "manifest.json", `{"headers": {"/*": {"X-Frame-Options": "DENY"}}}`))
	w := do(srv, http.MethodGet, "http://nobody.localhost/x")
	if w.Code != http.StatusNotFound || w.Body.String() != "lost" || w.Header().Get("X-Frame-Options") != "DENY" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestClosedServerAnswersNothing(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("index.html", "page", "api/main.js", "respond('api')"))
	app := srv.App("app")
	get(srv, "http://app.localhost/")
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		get(srv, "http://app.localhost/"), get(srv, "http://app.localhost/api"), get(srv, "http://localhost/health"),
		get(srv, "http://localhost/auth/login"), get(app, "/"),
	} {
		if !strings.HasPrefix(got, `503 {"error":{"code":"CLOSED"`) {
			t.Errorf("after Close: %s", got)
		}
	}
}

func TestCloseWaitsForRuns(t *testing.T) {
	srv := open(t)
	running, finish := make(chan struct{}), make(chan struct{})
	if err := srv.Bind("test.wait", func() { close(running); <-finish }); err != nil {
		t.Fatal(err)
	}
	deploy(t, srv, "app", files("api/main.js", `test.wait(); respond(fazt.storage.kv.incr('n'))`))
	answer := make(chan string)
	go func() { answer <- get(srv, "http://app.localhost/api") }()
	<-running
	closed := make(chan error)
	go func() { closed <- srv.Close() }()
	eventually(t, func() bool { return strings.HasPrefix(get(srv, "http://app.localhost/api"), "503") })
	close(finish)
	if got := <-answer; got != "200 1" {
		t.Errorf("the run that was under way: %s", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
