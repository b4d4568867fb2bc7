package livereload_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/livereload"
)

const base = "http://memo.localhost:8080/_fazt/"

// page answers as a server in development does.
func page(header http.Header, status int, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w := livereload.NewPage(rec, base, `id"@3`)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	w.Write([]byte(body))
	w.Close()
	return rec
}

func TestPage(t *testing.T) {
	tag := regexp.MustCompile(`^<p>x\n<script src="http://memo\.localhost:8080/_fazt/dev\.js" data-version="id&#34;@3" nonce="\w+"></script>\n$`)
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		adds   bool
	}{
		{"a page", 200, http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Etag": {`"x"`}}, true},
		{"a page with a length", 404, http.Header{"Content-Type": {"text/html"}, "Content-Length": {"4"}}, true},
		{"no page", 200, http.Header{"Content-Type": {"text/plain"}}, false},
		{"of no type", 200, http.Header{}, false},
		{"compressed", 200, http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {"gzip"}}, false},
		{"a part", 206, http.Header{"Content-Type": {"text/html"}}, false},
		{"a download", 200, http.Header{"Content-Type": {"text/html"}, "Content-Disposition": {"attachment"}}, false},
	} {
		rec := page(test.header, test.status, "<p>x")
		if adds := tag.MatchString(rec.Body.String()); adds != test.adds || !adds && rec.Body.String() != "<p>x" || rec.Code != test.status {
			t.Errorf("%s: %d %q", test.name, rec.Code, rec.Body)
		}
		if test.adds && (rec.Header().Get("Etag") != "" || rec.Header().Get("Cache-Control") != "no-store") {
			t.Errorf("%s: %v", test.name, rec.Header())
		}
		if n := rec.Result().ContentLength; test.header["Content-Length"] != nil && n != int64(rec.Body.Len()) {
			t.Errorf("%s: %d of %d bytes", test.name, n, rec.Body.Len())
		}
	}
}

// TestPolicy: what an app's policy lets in stays as it was, but for the script and its
// stream.
func TestPolicy(t *testing.T) {
	const script, stream = base + "dev.js", base + "dev"
	for policy, want := range map[string]string{
		"":                                      "",
		"img-src 'self'":                        "img-src 'self'",
		"default-src 'self'":                    "default-src 'self'; script-src 'self' " + script + "; connect-src 'self' " + stream,
		"default-src 'none'; img-src *":         "default-src 'none'; img-src *; script-src " + script + "; connect-src " + stream,
		"script-src 'self' 'unsafe-inline'":     "script-src 'self' 'unsafe-inline' " + script,
		"Script-Src 'none';;connect-src a":      "Script-Src " + script + "; connect-src a " + stream,
		"script-src-elem a; script-src b":       "script-src-elem a " + script + "; script-src b",
		"default-src a, connect-src b":          "default-src a; script-src a " + script + "; connect-src a " + stream + ", connect-src b " + stream,
		"script-src 'nonce-a' 'strict-dynamic'": "script-src 'nonce-a' 'strict-dynamic' " + script + " NONCE",
	} {
		header := http.Header{"Content-Type": {"text/html"}}
		if policy != "" {
			header.Set("Content-Security-Policy", policy)
		}
		rec := page(header, 200, "")
		nonce := regexp.MustCompile(`nonce="(\w+)"`).FindStringSubmatch(rec.Body.String())[1]
		got := strings.Replace(rec.Header().Get("Content-Security-Policy"), "'nonce-"+nonce+"'", "NONCE", 1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", policy, diff)
		}
	}
}

// states reads what a page is told, until the stream ends.
func states(t *testing.T, p *livereload.Problems, stale <-chan struct{}) (next func() (event, data string)) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Serve(r.Context(), w, "memo", "v1", stale)
	}))
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	scan := bufio.NewScanner(res.Body)
	return func() (event, data string) {
		for scan.Scan() {
			switch name, value, _ := strings.Cut(scan.Text(), ":"); name {
			case "event":
				event = strings.TrimSpace(value)
			case "data":
				return event, strings.TrimSpace(value)
			}
		}
		return "end", ""
	}
}

func TestStream(t *testing.T) {
	var p livereload.Problems
	stale := make(chan struct{})
	next := states(t, &p, stale)
	var lastID int64
	want := func(title string) {
		t.Helper()
		event, data := next()
		var state struct {
			Version string
			Problem *livereload.Problem
		}
		if err := json.Unmarshal([]byte(data), &state); err != nil || event != "state" || state.Version != "v1" {
			t.Fatalf("%s %s: %v", event, data, err)
		}
		got := ""
		if state.Problem != nil {
			if got = state.Problem.Title; state.Problem.ID <= lastID {
				t.Errorf("%s: the id %d after %d", title, state.Problem.ID, lastID)
			}
			lastID = state.Problem.ID
		}
		if got != title {
			t.Fatalf("got %q, want %q", got, title)
		}
	}
	want("")
	p.RunFailed("other", "GET /api", livereload.Problem{Title: "another app's"})
	p.RunFailed("memo", "GET /api", livereload.Problem{Title: "a run"})
	want("a run")
	p.RunEnded("memo", "GET /api/other")
	p.DeployFailed("memo", livereload.Problem{Title: "a deploy"})
	want("a deploy")
	p.Deployed("memo")
	want("")
	p.RunFailed("memo", "GET /api", livereload.Problem{Title: "again"})
	want("again")
	p.RunEnded("memo", "GET /api")
	want("")
	p.RunFailed("memo", "GET /api", livereload.Problem{Title: "once more"})
	want("once more")
	p.Visited("memo")
	want("")
	close(stale)
	if event, _ := next(); event != "stale" {
		t.Errorf("got %q", event)
	}
	if event, _ := next(); event != "end" {
		t.Errorf("after that: %q", event)
	}
}
