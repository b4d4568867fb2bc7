package fazt_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

// TestCrossSite sends what changes state from everywhere, with the session of an
// owner, to an app's handler, to the sign-in pages and to the management API.
func TestCrossSite(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `respond('done')`))
	app.SignIn("ada@example.com", "Ada", "owner")
	own := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	doomed := srv.Deploy(files("index.html", "x"))

	type target struct{ name, method, url string }
	targets := []target{
		{"handler", http.MethodPost, app.URL + "/api"},
		{"handler", http.MethodDelete, app.URL + "/api/x"},
		{"log out", http.MethodPost, app.URL + "/auth/logout"},
		{"log out of all", http.MethodPost, own + "/auth/logout"},
		{"end sessions", http.MethodPost, own + "/auth/sessions/end"},
		{"manage", http.MethodDelete, own + "/api/apps/" + doomed.Name},
		{"manage", http.MethodPost, own + "/api/deploy"},
	}
	strangers := []struct {
		name   string
		header http.Header
	}{
		{"a sibling's page", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://evil.localhost"}}},
		{"a sibling's page, without Origin", http.Header{"Sec-Fetch-Site": {"same-site"}}},
		{"another site's page", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}},
		{"a sibling's page in an old browser", http.Header{"Origin": {"http://evil.localhost"}}},
		{"another port in an old browser", http.Header{"Origin": {"http://localhost:1"}}},
		{"a sandboxed frame in an old browser", http.Header{"Origin": {"null"}}},
		{"a browser of no kind", http.Header{"Sec-Fetch-Site": {"x"}}},
	}
	for _, target := range targets {
		for _, from := range strangers {
			req, err := http.NewRequest(target.method, target.url, strings.NewReader("session=others"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = from.header.Clone()
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if res := app.Send(req); res.Status != http.StatusForbidden || !strings.Contains(res.Body, "CROSS_ORIGIN") {
				t.Errorf("%s, from %s: %v", target.name, from.name, res)
			}
		}
	}
	if res := doomed.Get("/"); res.Status != http.StatusOK {
		t.Errorf("the app that was to be removed: %v", res)
	}
	// What is not a stranger's.
	for name, header := range map[string]http.Header{
		"the app's own page":                   {"Sec-Fetch-Site": {"same-origin"}, "Origin": {app.URL}},
		"the app's own page in an old browser": {"Origin": {app.URL}},
		"a person":                             {"Sec-Fetch-Site": {"none"}},
		"a program":                            {},
	} {
		req := app.Request(http.MethodPost, "/api", nil)
		req.Header = header
		if res := app.Send(req); res.Status != http.StatusOK || res.Body != "done" {
			t.Errorf("%s: %v", name, res)
		}
	}
	req, err := http.NewRequest(http.MethodDelete, own+"/api/apps/"+doomed.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if res := app.Send(req); res.Status != http.StatusOK {
		t.Errorf("the management's own page: %v", res)
	}
}

// TestCookieFilter checks what a handler's Set-Cookie lines come to, and that its log
// says what became of the others.
func TestCookieFilter(t *testing.T) {
	dataFile := t.TempDir() + "/data.db"
	srv := open(t, func(o *fazt.Options) { o.DataFile = dataFile })
	deploy(t, srv, "notes", files("api/main.js", `respond(200, 'x', {'Set-Cookie': [
		'own=1; Path=/', 'fazt_session;=x; Domain=localhost; Path=/', '=fazt_session=x',
		'FAZT_SESSION=x', 'wide=1; Domain=localhost'],
		'Clear-Site-Data': '"cache", "cookies"'})`))
	res := httptest.NewRecorder()
	srv.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "http://notes.localhost/api", nil))
	if d := cmp.Diff([]string{"own=1; Path=/"}, res.Header().Values("Set-Cookie")); d != "" {
		t.Error(d)
	}
	if got := res.Header().Values("Clear-Site-Data"); got != nil {
		t.Errorf("Clear-Site-Data: %q", got)
	}
	log := logOf(t, reopen(t, srv, dataFile), "notes")
	if len(log) != 4 {
		t.Errorf("the log has %q", log)
	}
	for _, line := range log {
		if !strings.HasPrefix(line, "warn not sent: a Set-Cookie") {
			t.Errorf("the log has %q", line)
		}
	}
}

// TestFrames: only another app's page of this server is kept from framing an app.
func TestFrames(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "notes", files("index.html", "x", "api/main.js", `respond('x')`))
	deploy(t, srv, "open", files("index.html", "x",
		"fazt.json", `{"headers": {"/*": {"X-Frame-Options": "ALLOWALL"}}}`))
	get := func(host, path, site, dest string) string {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = host
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("Sec-Fetch-Dest", dest)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if etag := w.Header().Get("Etag"); etag != "" && w.Header().Get("X-Frame-Options") == "SAMEORIGIN" {
			r.Header.Set("If-None-Match", etag) // the browser has it from where it was in no frame
			again := httptest.NewRecorder()
			srv.ServeHTTP(again, r)
			if again.Code != http.StatusOK {
				t.Errorf("%s%s, kept already: %d", host, path, again.Code)
			}
		}
		return w.Header().Get("X-Frame-Options")
	}
	got := map[string]string{
		"sibling":         get("notes.localhost", "/", "same-site", "iframe"),
		"sibling, object": get("notes.localhost", "/", "same-site", "object"),
		"sibling's api":   get("notes.localhost", "/api", "same-site", "iframe"),
		"itself":          get("notes.localhost", "/", "same-origin", "iframe"),
		"another site":    get("notes.localhost", "/", "cross-site", "iframe"),
		"no frame":        get("notes.localhost", "/", "same-site", "document"),
		"the app's word":  get("open.localhost", "/", "same-site", "iframe"),
	}
	want := map[string]string{
		"sibling": "SAMEORIGIN", "sibling, object": "SAMEORIGIN", "sibling's api": "SAMEORIGIN",
		"itself": "", "another site": "", "no frame": "", "the app's word": "ALLOWALL",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestWWW: www is the domain, and not a host of its own.
func TestWWW(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Domain = "example.com" })
	for target, want := range map[string]string{
		"http://www.example.com/a%2Fb?c=d":              "http://example.com/a%2Fb?c=d",
		"http://WWW.Example.com.:8443/":                 "http://example.com:8443/",
		"http://www.example.com/auth/login?back=%2Fnew": "http://example.com/auth/login?back=%2Fnew",
		"http://www.example.com//evil.example":          "http://example.com//evil.example",
	} {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if got := w.Header().Get("Location"); w.Code != http.StatusPermanentRedirect || got != want {
			t.Errorf("%s: %d to %q, want %q", target, w.Code, got, want)
		}
	}
}
