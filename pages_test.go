package fazt_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
)

// TestHomeThatIsNotThere: the bare host of this machine leads to no 404, but says what is
// missing until it is there.
func TestHomeThatIsNotThere(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Home = "shop" })
	got := do(srv, "GET", "http://localhost/")
	for _, want := range []string{"named shop answers here, once it is deployed", "--name shop", "/auth/login"} {
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), want) {
			t.Errorf("without %q: %d %s", want, got.Code, got.Body)
		}
	}
	deploy(t, srv, "shop", files("index.html", "x"))
	got = do(srv, "GET", "http://localhost/")
	if to := got.Header().Get("Location"); got.Code != http.StatusFound || to != "http://shop.localhost/" {
		t.Errorf("once it is there: %d, to %q", got.Code, to)
	}
}

// TestPeopleGetPages asks for whatever fails as a browser does that shows the answer,
// and as a program.
func TestPeopleGetPages(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Domain = "example.com" })
	deploy(t, srv, "notes", files(
		"index.html", "x", "private/a.txt", "x",
		"api/main.js", `
			if (request.path === '/api/admin') fazt.auth.requireAdmin();
			if (request.path === '/api/blob') return fazt.storage.s3.serve('none');
			throw new Error('secret of the inside')`))
	deploy(t, srv, "slow", files("api/main.js", `for (;;) {}`, "manifest.json", `{"timeout": "50ms"}`))
	deploy(t, srv, "still", files("index.html", "x"))
	tests := []struct {
		method, host, path string
		status             int
		code               string // for a program
	}{
		{"GET", "notes.example.com", "/nothing", 404, "NOT_FOUND"},
		{"GET", "notes.example.com", "/%2e%2e/x", 404, "NOT_FOUND"},
		{"GET", "notes.example.com", "/_fazt/nothing", 404, "NOT_FOUND"},
		{"GET", "notes.example.com", "/_fazt/blob?x", 403, "FORBIDDEN"},
		{"POST", "notes.example.com", "/", 405, "METHOD_NOT_ALLOWED"},
		{"GET", "notes.example.com", "/api", 500, "HANDLER_ERROR"},
		{"GET", "slow.example.com", "/api", 504, "BUDGET_WALL"},
		{"GET", "notes.example.com", "/api/blob", 404, "NOT_FOUND"},
		{"GET", "still.example.com", "/api", 404, "NOT_FOUND"},
		{"GET", "nobody.example.com", "/", 404, "NOT_FOUND"},
		{"GET", "elsewhere.example", "/", 404, "NOT_FOUND"},
		{"GET", "admin.example.com", "/nothing", 404, "NOT_FOUND"},
		{"GET", "admin.example.com", "/api/apps", 401, "UNAUTHORIZED"},
		{"PUT", "admin.example.com", "/api/apps", 405, "METHOD_NOT_ALLOWED"},
		{"PUT", "admin.example.com", "/", 405, "METHOD_NOT_ALLOWED"},
		{"GET", "admin.example.com", "/auth/nothing", 404, "NOT_FOUND"},
	}
	ask := func(method, host, path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://"+host+path, nil)
		r.RequestURI = r.URL.RequestURI() // as a browser sends it
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return w
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.host+tt.path, func(t *testing.T) {
			page := ask(tt.method, tt.host, tt.path, "text/html,application/xhtml+xml,*/*;q=0.8")
			body := page.Body.String()
			if page.Code != tt.status || page.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.HasPrefix(body, "<!doctype html>") {
				t.Errorf("a person gets %d %s\n%s", page.Code, page.Header().Get("Content-Type"), body)
			}
			if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("the page has the policy %q", policy)
			}
			if strings.Contains(body, "nothing\"") || strings.Contains(body, "secret of the inside") {
				t.Errorf("the page tells too much:\n%s", body)
			}
			data := ask(tt.method, tt.host, tt.path, "*/*")
			if data.Code != tt.status || !strings.Contains(data.Body.String(), `"code":"`+tt.code+`"`) {
				t.Errorf("a program gets %d %s", data.Code, data.Body)
			}
			if d := cmp.Diff(data.Header().Values("Allow"), page.Header().Values("Allow")); d != "" {
				t.Error(d)
			}
		})
	}
	// To read what is private, or what needs a role, one signs in first.
	for path, back := range map[string]string{"/private/a.txt?b=c": "/private/a.txt?b=c", "/api/admin": "/api/admin"} {
		page := ask("GET", "notes.example.com", path, "text/html")
		if to := page.Header().Get("Location"); page.Code != http.StatusFound || to != "/auth/login?back="+url.QueryEscape(back) {
			t.Errorf("%s: %d to %q", path, page.Code, to)
		}
		if data := ask("GET", "notes.example.com", path, "*/*"); data.Code != http.StatusUnauthorized || !strings.Contains(data.Body.String(), "LOGIN_REQUIRED") {
			t.Errorf("%s: %d %s", path, data.Code, data.Body)
		}
	}
}

// TestWelcome: whoever has logged out, or signed in, comes to a page that shows it.
func TestWelcome(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Domain = "example.com" })
	ask := func(cookies []*http.Cookie) string {
		r := httptest.NewRequest(http.MethodGet, "http://admin.example.com/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return w.Body.String()
	}
	if page := ask(nil); !strings.Contains(page, `<a class="button" href="/auth/login">Sign in</a>`) {
		t.Errorf("nobody gets:\n%s", page)
	}
	w := httptest.NewRecorder()
	_, err := srv.Auth().SignIn(w, httptest.NewRequest(http.MethodGet, "http://admin.example.com/", nil),
		auth.Identity{Issuer: "https://people.example", Subject: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if page := ask(w.Result().Cookies()); !strings.Contains(page, `<a class="button" href="/auth/sessions">Your sign-ins</a>`) {
		t.Errorf("who is signed in gets:\n%s", page)
	}
}

// TestForbiddenPage: who lacks a role is told so on a page, with a way to be another.
func TestForbiddenPage(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `fazt.auth.requireAdmin()`))
	app.SignIn("ada@example.com", "Ada", "user")
	req := app.Request(http.MethodGet, "/api/users?page=2", nil)
	req.Header.Set("Accept", "text/html")
	res := app.Send(req)
	if res.Status != http.StatusForbidden || !strings.Contains(res.Body, "<h1>This is not for you</h1>") ||
		!strings.Contains(res.Body, `href="/auth/login?back=%2Fapi%2Fusers%3Fpage%3D2"`) {
		t.Errorf("%v", res)
	}
	if res := app.Get("/api"); res.Status != http.StatusForbidden || !strings.HasPrefix(res.Body, `{"error":{"code":"FORBIDDEN"`) {
		t.Errorf("a script gets %v", res)
	}
}

// TestDevErrorPage: with Dev on, the page has what the author needs.
func TestDevErrorPage(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", "console.log('before <b>');\nvar x = 1;\nnothing.here()"))
	req := app.Request(http.MethodGet, "/api", nil)
	req.Header.Set("Accept", "text/html")
	res := app.Send(req)
	for _, part := range []string{"api/main.js:3:", "nothing.here()", "before &lt;b&gt;", "nothing", res.Header.Get("X-Request-Id")} {
		if !strings.Contains(res.Body, part) {
			t.Errorf("the page lacks %q:\n%s", part, res.Body)
		}
	}
}

// TestLoginURL: without an argument, a visitor comes back to the page that they were
// on, and never to data.
func TestLoginURL(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "notes", files("api/main.js", `respond(fazt.auth.getLoginURL(request.query.back))`))
	mux := http.NewServeMux()
	mux.Handle("/shop/", http.StripPrefix("/shop", srv.App("notes")))
	mux.Handle("/", srv)
	const host, mounted = "http://notes.localhost:8080", "http://service.example"
	tests := []struct{ url, mode, referer, want string }{
		{host + "/api/me", "cors", host + "/list?page=2#x", "/list?page=2"},
		{host + "/api/me", "cors", "HTTP://Notes.localhost:8080/a", "/a"},
		{host + "/api/me", "cors", host + "/", "/"},
		{host + "/api/me", "", "", "/"},
		{host + "/api/me", "cors", host + "/api/me", "/"},
		{host + "/api/me", "cors", host + "/%61pi/me", "/"},
		{host + "/api/me", "navigate", "", "/"},
		{host + "/api/me", "navigate", host + "/list", "/list"},
		{host + "/api/me", "cors", "https://evil.example/x", "/"},
		{host + "/api/me", "cors", "http://localhost:8080/x", "/"},
		{host + "/api/me", "cors", "http://notes.localhost:8081/x", "/"},
		{host + "/api/me", "cors", host + "//evil.example/", "/"},
		{host + "/api/me", "cors", ":", "/"},
		{host + "/api/me?back=/there", "cors", host + "/list", "/there"},
		{mounted + "/shop/api/me", "cors", mounted + "/shop/cart?x=1", "/shop/cart?x=1"},
		{mounted + "/shop/api/me", "cors", mounted + "/shop/api/me", "/shop/"},
		{mounted + "/shop/api/me", "cors", "", "/shop/"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodGet, tt.url, nil)
		r.RequestURI = r.URL.RequestURI() // as a browser sends it
		if tt.mode != "" {
			r.Header.Set("Sec-Fetch-Mode", tt.mode)
		}
		if tt.referer != "" {
			r.Header.Set("Referer", tt.referer)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		got := "/"
		if u, err := url.Parse(w.Body.String()); err != nil || u.Path != "/auth/login" {
			t.Errorf("%+v: %s", tt, w.Body)
		} else if u.Query().Has("back") {
			got = u.Query().Get("back")
		}
		if got != tt.want {
			t.Errorf("%s from %q: back to %q, want %q", tt.url, tt.referer, got, tt.want)
		}
	}
}
