package fazt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

// navigation is what a browser sends for a page.
var navigation = http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}

// TestDevPages: the script is in what a browser of this machine shows as a page, with
// Options.Dev, and in nothing else.
func TestDevPages(t *testing.T) {
	app := files(
		"index.html", "<h1>page</h1>", "404.html", "nothing here", "part.txt", "text", "fazt.json", `{"routes": ["/made", "/plain"]}`,
		"api/main.js", `
			if (request.path === '/plain') respond('text');
			else if (request.path === '/made') respond(200, '<h1>made</h1>', {'Content-Type': 'text/html'});
			else throw new Error('failed')`)
	on := harnesstest.Start(t).Deploy(app)
	off := harnesstest.Start(t, func(o *fazt.Options) { o.Dev = false }).Deploy(app)
	for _, test := range []struct {
		name, path string
		header     http.Header
		adds       bool
	}{
		{"a page", "/", navigation, true},
		{"a page in an old browser", "/", http.Header{"Accept": {"text/html,*/*"}}, true},
		{"a page that the browser has", "/", http.Header{"Sec-Fetch-Mode": {"navigate"}, "If-None-Match": {"*"}, "Range": {"bytes=0-3"}, "Accept-Encoding": {"gzip"}}, true},
		{"the app's 404", "/nowhere", navigation, true},
		{"the handler's page", "/made", navigation, true},
		{"the handler's error", "/api/x", navigation, true},
		{"text", "/part.txt", navigation, false},
		{"the handler's text", "/plain", navigation, false},
		{"a fetch", "/", http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"text/html"}}, false},
		{"a program", "/", http.Header{}, false},
		{"behind a proxy", "/", with(navigation, "X-Forwarded-For", "203.0.113.7"), false},
		{"through a tunnel", "/", with(navigation, "Cf-Ray", "1"), false},
		{"by another name", "/", with(navigation, "Host", "app.example.com"), false},
	} {
		for app, adds := range map[*harnesstest.App]bool{on: test.adds, off: false} {
			req := app.Request(http.MethodGet, test.path, nil)
			req.Header = test.header.Clone()
			if host := req.Header.Get("Host"); host != "" {
				req.Host = host
			}
			res := app.Send(req)
			if got := strings.Contains(res.Body, "/_fazt/dev.js"); got != adds || adds && res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %v: %v", test.name, app == on, res)
			}
		}
	}
	for path, want := range map[string]int{"/_fazt/dev.js": 200, "/_fazt/other": 404} {
		if res := on.Get(path); res.Status != want {
			t.Errorf("%s: %v", path, res)
		}
	}
	for _, path := range []string{"/_fazt/dev.js", "/_fazt/dev"} {
		if res := off.Get(path); res.Status != http.StatusNotFound {
			t.Errorf("without Dev, %s: %v", path, res)
		}
		req := on.Request(http.MethodGet, path, nil)
		req.Header.Set("Via", "1.1 proxy")
		if res := on.Send(req); res.Status != http.StatusNotFound {
			t.Errorf("behind a proxy, %s: %v", path, res)
		}
	}
}

func with(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}

// TestDevRequests: with Options.Dev the logger has a record for each request.
func TestDevRequests(t *testing.T) {
	var log lockedBuffer
	srv := open(t, func(o *fazt.Options) {
		o.Dev, o.Logger = true, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	deploy(t, srv, "memo", files("index.html", "x", "api/main.js", `respond(201, fazt.storage.kv.incr('n'))`))
	for _, request := range []string{"GET /?secret=1", "POST /api/n", "GET /none", "GET /auth/session"} {
		method, path, _ := strings.Cut(request, " ")
		srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "http://memo.localhost"+path, nil))
	}
	var got []string
	for dec := json.NewDecoder(&log.Buffer); ; {
		var r struct {
			Source, Method, Path string
			Status, Operations   int
		}
		if err := dec.Decode(&r); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if r.Source == "request" {
			got = append(got, fmt.Sprintf("%s %s %d %d", r.Method, r.Path, r.Status, r.Operations))
		}
	}
	if diff := cmp.Diff([]string{"GET / 200 0", "POST /api/n 201 1", "GET /none 404 0"}, got); diff != "" {
		t.Error(diff)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}
