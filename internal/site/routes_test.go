package site_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/site"
)

func TestRoutesAreChecked(t *testing.T) {
	for _, test := range []struct{ routes, want string }{
		{`[]`, ""},
		{`["/", "/feed.xml", "/s/{code}", "/s/new", "/a/{b}/{c_1}", "/.well-known/webfinger", "/api/items/{id}", "/blog/"]`, ""},
		{`"/feed.xml"`, `must be a list of paths, such as ["/s/{code}", "/feed.xml"], not "/feed.xml"`},
		{`[1]`, "must be a list of paths"},
		{`["feed.xml"]`, `"feed.xml": must begin with a slash: "/feed.xml"`},
		{`["https://a.example/b"]`, "must begin with a slash"},
		{`["/auth"]`, "must not be below /auth"},
		{`["/auth/{x}"]`, "must not be below /auth"},
		{`["/_fazt/x"]`, "must not be below /_fazt"},
		{`["/private/{x}"]`, "must not be below /private"},
		{`["/a/../auth"]`, "without . and .."},
		{`["//a"]`, "doubled slashes"},
		{`["/a?b={c}"]`, "what follows ? is in request.query"},
		{`["/:code"]`, `":code": a segment is a name in braces, such as {code}`},
		{`["/*"]`, `"*": a segment is a name in braces`},
		{`["/{code}.xml"]`, `"{code}.xml": a segment is a name in braces`},
		{`["/{}"]`, "a name has letters, digits and _"},
		{`["/{1a}"]`, "begins with no digit"},
		{`["/{__proto__}"]`, "a name has letters"},
		{`["/{a}/{a}"]`, "has {a} twice"},
		{`["/s/{a}", "/s/{b}/"]`, `"/s/{b}/": answers the same paths as "/s/{a}"`},
		{`["/` + strings.Repeat("a/", 17) + `"]`, "has 17 segments; the limit is 16"},
		{`[` + strings.Repeat(`"/a",`, 256) + `"/a"]`, "has 257 routes; the limit is 256"},
	} {
		_, _, err := site.ParseManifest(site.ConfigPath, []byte("{\n\"routes\": "+test.routes+"}"))
		wantError(t, test.routes, err, test.want, "fazt.json:2: routes: ")
	}
}

func wantError(t *testing.T, what string, err error, want, prefix string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), prefix)):
		t.Errorf("%s: got %v, want %q", what, err, want)
	}
}

func TestRoute(t *testing.T) {
	m := site.Manifest{Routes: []string{"/{page}", "/s/{code}", "/s/new", "/feed.xml", "/{a}/{b}/edit", "/x/{b}/{c}", "/blog/"}}
	for p, want := range map[string]map[string]string{
		"/s/abc":       {"code": "abc"},
		"/s/abc/":      {"code": "abc"},
		"/s/a b":       {"code": "a b"},
		"/s/new":       {},
		"/feed.xml":    {},
		"/feed.xml/":   {},
		"/blog":        {},
		"/about":       {"page": "about"},
		"/x/1/edit":    {"b": "1", "c": "edit"}, // the text that comes first decides
		"/y/1/edit":    {"a": "y", "b": "1"},
		"/":            nil,
		"/s/a/b":       nil,
		"/private":     nil,
		"/private/1":   nil,
		"/s":           {"page": "s"},
		"/x/1/2/3":     nil,
		"/{page}":      {"page": "{page}"},
		"/constructor": {"page": "constructor"},
	} {
		params, ok := m.Route(p)
		if ok && params == nil {
			params = map[string]string{}
		}
		if diff := cmp.Diff(want, params); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p, diff)
		}
	}
	if _, ok := (&site.Manifest{Routes: []string{"/"}}).Route("/"); !ok {
		t.Error("the route / is not found")
	}
}

func TestOriginsAreChecked(t *testing.T) {
	for _, test := range []struct{ origins, want string }{
		{`["https://example.org", "http://localhost:5173", "https://[::1]:8443"]`, ""},
		{`"https://example.org"`, "must be a list of sites"},
		{`["*"]`, "name each site"},
		{`["https://*.example.org"]`, "name each site"},
		{`["example.org"]`, "must be a scheme and a host"},
		{`["null"]`, "must be a scheme and a host"},
		{`["file:///x"]`, "must be a scheme and a host"},
		{`["https://example.org/app"]`, `must end after the host, as in "https://example.org"`},
		{`["https://example.org?x"]`, "must end after the host"},
		{`["https://ada@example.org"]`, "must end after the host"},
		{`["https://exämple.org"]`, "write the host in ASCII"},
	} {
		_, _, err := site.ParseManifest(site.ConfigPath, []byte("{\n\"origins\": "+test.origins+"}"))
		wantError(t, test.origins, err, test.want, "fazt.json:2: origins: ")
	}
	m, _, err := site.ParseManifest(site.ConfigPath, []byte(`{"origins": ["HTTPS://Example.ORG:443/", "http://a.example:80", "http://a.example:8080"]}`))
	if diff := cmp.Diff([]string{"https://example.org", "http://a.example", "http://a.example:8080"}, m.Origins); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzRoutes: what is taken finds its own paths, and none that is not the handler's.
func FuzzRoutes(f *testing.F) {
	f.Add("/s/{code}", "/s/abc")
	f.Add("/", "/")
	f.Add("/{a}/{b}", "/private/x")
	f.Fuzz(func(t *testing.T, route, p string) {
		text, _ := json.Marshal(map[string]any{"routes": []string{route}})
		m, _, err := site.ParseManifest(site.ConfigPath, text)
		if err != nil {
			return
		}
		clean, ok := site.CleanPath(p)
		if !ok {
			return
		}
		params, ok := m.Route(clean)
		if ok && (site.IsPrivate(clean) || strings.HasPrefix(clean, site.OwnPrefix) && !strings.HasPrefix(route, "/{")) {
			t.Errorf("%q answers %q", route, clean)
		}
		for name, value := range params {
			if value == "" || strings.Contains(value, "/") {
				t.Errorf("%q of %q: %s is %q", clean, route, name, value)
			}
		}
	})
}
