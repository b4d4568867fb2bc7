package fazt_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
)

// TestRoutes: a handler answers the manifest's routes where no file does.
func TestRoutes(t *testing.T) {
	for _, engine := range []string{"otto", "goja"} {
		srv := harnesstest.Start(t)
		app := srv.Deploy(files(
			"fazt.json", `{"engine": "`+engine+`", "spa": true, "routes": ["/s/{code}", "/feed.xml", "/{a}/{b}/{c}", "/about", "/docs", "/api/items/{id}"]}`,
			"api/main.js", `respond(request.method + ' ' + request.path + ' ' + JSON.stringify(request.params))`,
			"index.html", "the page", "about.html", "a file", "docs/index.html", "docs", "private/x/y.txt", "secret",
		))
		for _, test := range []struct{ method, path, want string }{
			{"GET", "/s/abc", `GET /s/abc {"code":"abc"}`},
			{"POST", "/s/abc", `POST /s/abc {"code":"abc"}`},
			{"GET", "/s/a%22b%3Cc", `GET /s/a"b<c {"code":"a\"b<c"}`},
			{"GET", "/feed.xml", `GET /feed.xml {}`},
			{"GET", "/x/y/z", `GET /x/y/z {"a":"x","b":"y","c":"z"}`},
			{"GET", "/about", "a file"},
			{"GET", "/docs", "docs"}, // by a redirect to the directory
			{"GET", "/s", "the page"},
			{"GET", "/s/a%2Fb/c/d", "the page"},
			{"GET", "/other", "the page"},
			{"GET", "/api/items/7", `GET /api/items/7 {"id":"7"}`},
			{"GET", "/api/items", `GET /api/items {}`},
			{"GET", "/private/x/y.txt", "401"},
			{"GET", "/private/x/z", "401"},
			{"GET", "/_fazt/x/y", "404"},
			{"POST", "/about", "405"},
			{"POST", "/other", "405"},
		} {
			res := app.Send(app.Request(test.method, test.path, nil))
			got := res.Body
			if res.Status != http.StatusOK {
				got = http.StatusText(res.Status)
				if res.Status == 401 || res.Status == 404 || res.Status == 405 {
					got = map[int]string{401: "401", 404: "404", 405: "405"}[res.Status]
				}
			}
			if got != test.want {
				t.Errorf("%s: %s %s: %v, want %q", engine, test.method, test.path, res, test.want)
			}
		}
		// What another site's page sends to a route is no less forged.
		req := app.Request("POST", "/s/abc", nil)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if res := app.Send(req); res.Status != http.StatusForbidden {
			t.Errorf("%s: a forged request: %v", engine, res)
		}
	}
}

// TestRoutesLeaveKeptFiles: a page that was open during a deploy finds its chunks.
func TestRoutesLeaveKeptFiles(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("index.html", `<script src="/app.3f2a91bc.js"></script>`, "app.3f2a91bc.js", "old chunk"))
	srv.DeployAs(app.Name, files("index.html", `<script src="/app.4f2a91bd.js"></script>`, "app.4f2a91bd.js", "new chunk", "api/main.js", "respond('handled')", "fazt.json", `{"routes": ["/{x}"]}`))
	got := []string{app.Get("/app.3f2a91bc.js").Body, app.Get("/app.4f2a91bd.js").Body, app.Get("/app.5f2a91be.js").Body}
	if diff := cmp.Diff([]string{"old chunk", "new chunk", "handled"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestOrigins: another site that the app names may send what changes something, as
// anybody could, and never as the visitor.
func TestOrigins(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files(
		"fazt.json", `{"origins": ["https://friend.example"], "routes": ["/hook"]}`,
		"index.html", "page",
		"api/main.js", `
			var user = fazt.auth.getUser(), cookies = Object.keys(request.cookies).length;
			respond(200, request.method + ' ' + (user ? user.email : 'anybody') + ' ' + cookies, {Vary: 'Accept'})`,
	))
	app.SignIn("ada@example.com", "Ada", "owner")
	own := app.URL
	for _, test := range []struct {
		name, method, path, origin, site string
		want                             string // "" is a refusal
		cors                             bool
	}{
		{"a friend", "POST", "/api", "https://friend.example", "cross-site", "POST anybody 0", true},
		{"a friend's route", "POST", "/hook", "https://friend.example", "cross-site", "POST anybody 0", true},
		{"a friend in an old browser", "DELETE", "/api", "https://friend.example", "", "DELETE anybody 0", true},
		{"a friend that is a sibling", "PUT", "/api", "https://friend.example", "same-site", "PUT anybody 0", true},
		{"a friend that reads", "GET", "/api", "https://friend.example", "cross-site", "GET anybody 0", true},
		{"a stranger", "POST", "/api", "https://evil.example", "cross-site", "", false},
		{"a friend's other scheme", "POST", "/api", "http://friend.example", "cross-site", "", false},
		{"a friend's subdomain", "POST", "/api", "https://x.friend.example", "cross-site", "", false},
		{"nobody", "POST", "/api", "null", "cross-site", "", false},
		{"a stranger that reads", "GET", "/api", "https://evil.example", "cross-site", "GET ada@example.com 0", false},
		{"the app", "POST", "/api", own, "same-origin", "POST ada@example.com 0", false},
		{"a file", "POST", "/", "https://friend.example", "cross-site", "", false},
	} {
		req := app.Request(test.method, test.path, strings.NewReader("x"))
		req.Header.Set("Origin", test.origin)
		if test.site != "" {
			req.Header.Set("Sec-Fetch-Site", test.site)
		}
		res := app.Send(req)
		if test.want == "" && res.Status < 400 || test.want != "" && res.Body != test.want {
			t.Errorf("%s: %v, want %q", test.name, res, test.want)
		}
		allowed := ""
		if test.cors {
			allowed = test.origin
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != allowed || res.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: allowed are %q %q", test.name, got, res.Header.Get("Access-Control-Allow-Credentials"))
		}
		if vary := strings.Join(res.Header.Values("Vary"), ","); strings.HasPrefix(test.path, "/api") && !strings.Contains(vary, "Origin") {
			t.Errorf("%s: Vary is %q", test.name, vary)
		}
	}
}

// TestPreflight is answered without the handler, for the sites that the app names.
func TestPreflight(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("fazt.json", `{"origins": ["https://friend.example"]}`, "api/main.js", `respond(418, 'the handler')`))
	ask := func(origin, method string) (*http.Response, string) {
		req := app.Request(http.MethodOptions, "/api/x", nil)
		req.Header.Set("Origin", origin)
		if method != "" {
			req.Header.Set("Access-Control-Request-Method", method)
			req.Header.Set("Access-Control-Request-Headers", "content-type,x-token")
		}
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res, string(text)
	}
	res, body := ask("https://friend.example", "DELETE")
	got := []string{res.Status, body}
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Allow-Credentials", "Access-Control-Max-Age"} {
		got = append(got, res.Header.Get(name))
	}
	if diff := cmp.Diff([]string{"204 No Content", "", "https://friend.example", "DELETE", "content-type,x-token", "", "600"}, got); diff != "" {
		t.Error(diff)
	}
	if res, _ := ask("https://evil.example", "DELETE"); res.StatusCode != 418 || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a stranger's preflight is not the handler's to answer: %v", res.Status)
	}
	if res, _ := ask("https://friend.example", ""); res.StatusCode != 418 {
		t.Errorf("what is no preflight: %v", res.Status)
	}
}

// A form that is posted beside the handler's paths is told which those are.
func TestPostBesideTheHandler(t *testing.T) {
	app := harnesstest.Start(t).Deploy(files("index.html", "x", "api/main.js", "return 1"))
	for _, path := range []string{"/", "/contact"} {
		res := app.Send(app.Request(http.MethodPost, path, map[string]any{"a": 1}))
		if res.Status != http.StatusMethodNotAllowed || !strings.Contains(res.Body, "a handler answers below /api and on its routes") {
			t.Errorf("%s: %v", path, res)
		}
	}
}
