package fazt_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
)

// TestHostsAgree asks each host for a page, for management and for the sign-in
// page. What is served has a sign-in, and what manages signs in by itself.
func TestHostsAgree(t *testing.T) {
	const (
		management = "manages, signs in here"
		none       = "serves nothing, signs in nowhere"
		home       = "serves root, signs in nowhere"
		mounted    = "serves nothing, signs in here" // without a domain, for an app that the program mounts
	)
	served := func(app, signIn string) string { return "serves " + app + ", signs in at " + signIn }
	nothing := func(signIn string) string { return "serves nothing, signs in at " + signIn }
	tests := []struct{ domain, host, want string }{
		{"", "localhost", management},
		{"", "localhost:8080", management},
		{"", "LOCALHOST:8080", management},
		{"", "localhost.", management},
		{"", "localhost.:8080", management},
		{"", "127.0.0.1", management},
		{"", "127.0.0.1:8080", management},
		{"", "[::1]", management},
		{"", "[::1]:8080", management},
		{"example.com", "localhost:8080", management},
		{"example.com", "[::1]:8080", management},
		{"example.com", "admin.example.com", management},
		{"example.com", "admin.example.com:8443", management},
		{"example.com", "Admin.Example.Com.", management},
		{"example.com", "admin.example.com.:443", management},

		{"", "notes.localhost", served("notes", "localhost")},
		{"", "notes.localhost:8080", served("notes", "localhost:8080")},
		{"", "NOTES.localhost:8080", served("notes", "localhost:8080")},
		{"", "notes.localhost.:8080", served("notes", "localhost:8080")},
		{"", "notes.localhost:", served("notes", "localhost")},
		{"example.com", "notes.localhost:8080", served("notes", "localhost:8080")},
		{"example.com", "notes.example.com", served("notes", "admin.example.com")},
		{"example.com", "Notes.EXAMPLE.com", served("notes", "admin.example.com")},
		{"example.com", "notes.example.com.", served("notes", "admin.example.com")},
		{"example.com", "notes.example.com:8443", served("notes", "admin.example.com:8443")},
		{"example.com", "notes.example.com.:8443", served("notes", "admin.example.com:8443")},
		{"example.com", "example.com", served("root", "admin.example.com")},
		{"example.com", "example.com.:8443", served("root", "admin.example.com:8443")},
		{"fazt.localhost", "fazt.localhost:8080", served("root", "admin.fazt.localhost:8080")},
		{"fazt.localhost", "notes.fazt.localhost", served("notes", "admin.fazt.localhost")},
		{"localhost", "notes.localhost", served("notes", "admin.localhost")},
		{"localhost", "admin.localhost", management},
		{"", "nobody.localhost", nothing("localhost")},
		{"", "admin.localhost", nothing("localhost")},
		{"example.com", "nobody.example.com", nothing("admin.example.com")},

		{"", "notes.example.com", mounted},
		{"", "notes.example.com.", mounted},
		{"", "192.0.2.1:8080", home},
		{"", "[2001:db8::1]", home},
		{"", "127.0.0.2", home},
		{"", "nas", home},
		{"", "NAS.:8080", home},
		{"", "a.notes.localhost", mounted},

		{"example.com", "a.notes.example.com", none},
		{"example.com", "a.notes.localhost", none},
		{"example.com", "notes.example.org", none},
		{"example.com", "notexample.com", none},
		{"example.com", "192.0.2.1", home},
		{"example.com", "[2001:db8::1]:80", home},
		{"example.com", "nas", home},
		{"example.com", "", none},
		{"example.com", "notes.example.com..", none},
		{"example.com", ".example.com", none},
		{"example.com", "notes.example.com:80x", none},
		{"example.com", "notes.example.com:123456", none},
		{"example.com", "notes.example.com:80:80", none},
		{"", "::1", none},
		{"", "[::1", none},
		{"", "[127.0.0.1]", none},
		{"", "[localhost]", none},
		{"", "[notes.localhost]:8080", none},
		{"", "notes.local\u212aost", none},
	}
	servers := map[string]*fazt.Server{} // by domain
	for _, test := range tests {
		srv := servers[test.domain]
		if srv == nil {
			srv = open(t, func(o *fazt.Options) { o.Domain = test.domain })
			for _, app := range []string{"notes", "root"} {
				deploy(t, srv, app, files("index.html", app))
			}
			servers[test.domain] = srv
		}
		if d := cmp.Diff(test.want, does(t, srv, test.host)); d != "" {
			t.Errorf("domain %q, host %q: %s", test.domain, test.host, d)
		}
	}
}

// does says what a host does.
func does(t *testing.T, srv *fazt.Server, host string) string {
	t.Helper()
	ask := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = host
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return w
	}
	does := "serves nothing"
	if page := ask("/index.html"); page.Code == http.StatusOK {
		does = "serves " + page.Body.String()
	}
	if ask("/health").Code == http.StatusOK {
		does = "manages"
	}
	switch login := ask("/auth/login"); login.Code {
	case http.StatusOK:
		return does + ", signs in here"
	case http.StatusNotFound:
		return does + ", signs in nowhere"
	case http.StatusSeeOther:
		u, err := url.Parse(login.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return does + ", signs in at " + u.Host
	default:
		return fmt.Sprint(does, ", sign-in answers ", login.Code)
	}
}
