package fazt_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
)

// TestCaller: a Go function knows for whom it works.
func TestCaller(t *testing.T) {
	srv := harnesstest.Start(t)
	bind := func(name string, fn any) {
		t.Helper()
		if err := srv.Fazt.Bind(name, fn); err != nil {
			t.Fatal(err)
		}
	}
	bind("test.caller", func(ctx context.Context) (map[string]any, error) {
		c := fazt.Caller(ctx)
		u, err := c.User()
		who := "nobody"
		if u != nil {
			who = u.Email
		}
		return map[string]any{"app": c.App, "id": len(c.AppID) > 0, "version": c.Version, "request": c.RequestID, "who": who}, err
	})
	for _, engine := range []string{"otto", "goja"} {
		t.Run(engine, func(t *testing.T) {
			app := srv.Deploy(files("api/main.js", `respond(test.caller())`, "manifest.json", `{"engine": "`+engine+`"}`))
			want := func(who string, res *harnesstest.Response) {
				t.Helper()
				text := fmt.Sprintf(`{"app":%q,"id":true,"request":%q,"version":1,"who":%q}`, app.Name, res.Header.Get("X-Request-Id"), who)
				if d := cmp.Diff(text, res.Body); d != "" {
					t.Error(d)
				}
			}
			want("nobody", app.Get("/api"))
			app.SignIn("ada@example.com", "Ada", "user")
			want("ada@example.com", app.Get("/api"))
		})
	}
	if c := fazt.Caller(t.Context()); c.App != "" || c.RequestID != "" {
		t.Errorf("outside of a run: %+v", c)
	}
	if u, err := fazt.Caller(t.Context()).User(); u != nil || err != nil {
		t.Error(u, err)
	}
}

// TestBoundFunctionPanics: a panic is an error in JavaScript and a line in the log,
// and the server goes on.
func TestBoundFunctionPanics(t *testing.T) {
	var log bytes.Buffer
	srv := open(t, func(o *fazt.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	if err := srv.Bind("test.panic", func(text string) (string, error) {
		if text != "" {
			panic("secret: " + text)
		}
		return []string{}[len(text)], nil
	}); err != nil {
		t.Fatal(err)
	}
	js := `var seen = [];
		['a', ''].forEach(function (x) {
			try { test.panic(x) } catch (e) { seen.push(e.code, e instanceof Error, e.message) }
		});
		respond(seen)`
	for _, engine := range []string{"otto", "goja"} {
		deploy(t, srv, engine, files("api/main.js", js, "manifest.json", `{"engine": "`+engine+`"}`))
		const one = `"INTERNAL",true,"the function failed inside; the server's log has more under the request id"`
		if d := cmp.Diff("200 ["+one+","+one+"]", get(srv, "http://"+engine+".localhost/api")); d != "" {
			t.Errorf("%s: %s", engine, d)
		}
	}
	for _, part := range []string{"a bound function panicked", "function=test.panic", "app=otto", "app=goja", "secret: a", "index out of range", "service_test.go"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q:\n%s", part, log.String())
		}
	}
}

// TestWithoutLogger: what failed inside is not lost, and nothing else is said.
func TestWithoutLogger(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(was) })
	srv := open(t)
	deploy(t, srv, "notes", files("api/main.js", `console.error('printed'); throw new Error('thrown')`))
	get(srv, "http://notes.localhost/api")
	if text := log.String(); !strings.Contains(text, "thrown") || strings.Contains(text, "msg=printed") || strings.Contains(text, "level=INFO") {
		t.Errorf("the default log has:\n%s", text)
	}
}

// TestMountedSignIn: the apps that a service mounts, and the service's own routes,
// have one sign-in and one session.
func TestMountedSignIn(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Dev = true })
	for _, name := range []string{"shop", "blog"} {
		deploy(t, srv, name, files("index.html", name, "private/a.txt", "private of "+name,
			"api/main.js", `fazt.auth.requireLogin(); respond(fazt.app.name + ' ' + fazt.auth.getUser().email)`))
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", srv.Auth())
	mux.Handle("/shop/", http.StripPrefix("/shop", srv.App("shop")))
	mux.Handle("/blog/", http.StripPrefix("/blog", srv.App("blog")))
	mux.Handle("/admin/", http.StripPrefix("/admin", srv.Auth().RequireRole(auth.RoleAdmin, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "admin ", auth.UserFrom(r.Context()).Email)
	}))))
	service := httptest.NewServer(mux)
	defer service.Close()
	base := strings.Replace(service.URL, "127.0.0.1", "localhost", 1)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	ask := func(method, path, accept string, form url.Values) (at, body string, status int) {
		t.Helper()
		req, err := http.NewRequest(method, base+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.Request.URL.RequestURI(), string(text), res.StatusCode
	}

	for path, back := range map[string]string{
		"/shop/api/order?x=1": "/shop/api/order?x=1",
		"/blog/private/a.txt": "/blog/private/a.txt",
		"/admin/users?page=2": "/admin/users?page=2",
	} {
		at, body, status := ask(http.MethodGet, path, "text/html", nil)
		if at != "/auth/login?back="+url.QueryEscape(back) || status != http.StatusOK || !strings.Contains(body, "<h1>Sign in</h1>") {
			t.Errorf("%s leads to %s, %d", path, at, status)
		}
		if _, body, status := ask(http.MethodGet, path, "*/*", nil); status != http.StatusUnauthorized || !strings.Contains(body, "LOGIN_REQUIRED") {
			t.Errorf("%s, asked for by a program: %d %s", path, status, body)
		}
	}
	at, body, _ := ask(http.MethodPost, "/auth/dev/callback", "text/html",
		url.Values{"email": {"ada@example.com"}, "role": {"user"}, "back": {"/shop/api/order"}})
	if at != "/shop/api/order" || body != "shop ada@example.com" {
		t.Errorf("signing in leads to %s: %s", at, body)
	}
	got := map[string]string{}
	for _, path := range []string{"/blog/api", "/blog/private/a.txt", "/shop/private/a.txt"} {
		_, got[path], _ = ask(http.MethodGet, path, "text/html", nil)
	}
	want := map[string]string{"/blog/api": "blog ada@example.com", "/blog/private/a.txt": "private of blog", "/shop/private/a.txt": "private of shop"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, body, status := ask(http.MethodGet, "/admin/users", "text/html", nil); status != http.StatusForbidden || !strings.Contains(body, "This needs the role admin") {
		t.Errorf("a user on the admins' route: %d %s", status, body)
	}
	if _, body, status := ask(http.MethodGet, "/admin/users", "*/*", nil); status != http.StatusForbidden || !strings.Contains(body, `"FORBIDDEN"`) {
		t.Errorf("a user's program on the admins' route: %d %s", status, body)
	}
	ask(http.MethodPost, "/auth/dev/callback", "text/html", url.Values{"email": {"ada@example.com"}, "role": {"owner"}})
	if _, body, _ := ask(http.MethodGet, "/admin/users", "text/html", nil); body != "admin ada@example.com" {
		t.Errorf("the owner gets %s", body)
	}
}

// TestLentStore: what the program writes beside the apps, it writes in one store.
func TestLentStore(t *testing.T) {
	srv := open(t)
	if srv.Store() == nil || srv.Auth() == nil {
		t.Fatal("nothing is lent")
	}
	deploy(t, srv, "notes", files("index.html", "x"))
	apps, err := srv.Store().Apps(t.Context())
	if err != nil || len(apps) != 1 || apps[0].Name != "notes" {
		t.Errorf("the store has %v, %v", apps, err)
	}
}
