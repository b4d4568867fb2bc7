package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

// wayBack is where a visitor of host who signs in with raw comes back to.
func wayBack(t testing.TB, a *auth.Auth, host, raw string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Host = host
	u, err := url.Parse(a.LoginURL(r, raw))
	if err != nil {
		t.Fatal(err)
	}
	if u.Path != "/auth/login" || u.Host != "" {
		t.Fatalf("sign-in page at %v", u)
	}
	if !u.Query().Has("back") {
		return "/"
	}
	return u.Query().Get("back")
}

func TestRedirectTarget(t *testing.T) {
	tests := []struct {
		host, raw, want string
	}{
		{"example.com", "", "/"},
		{"example.com", "/", "/"},
		{"example.com", "/a/b?c=d&e=f#g", "/a/b?c=d&e=f#g"},
		{"example.com", "/a?next=https://evil.example/", "/a?next=https://evil.example/"},
		{"example.com", "/..//evil.example", "/..//evil.example"}, // a path of this host all the same
		{"example.com", "/a b/é\"<>", "/a%20b/%C3%A9%22%3C%3E"},
		{"example.com", "/100%", "/100%"},

		{"example.com", "https://example.com/a?b#c", "https://example.com/a?b#c"},
		{"example.com", "https://shop.example.com", "https://shop.example.com"},
		{"example.com", "http://a.b.example.com/x", "http://a.b.example.com/x"},
		{"example.com", "https://shop.example.com./x", "https://shop.example.com./x"}, // the same host by its full name
		{"example.com", "HTTPS://Shop.Example.COM/x", "https://Shop.Example.COM/x"},
		{"example.com:8443", "https://shop.example.com:8443/x", "https://shop.example.com:8443/x"},
		{"example.com:8443", "https://shop.example.com/x", "/"},
		{"example.com", "https://shop.example.com:443/x", "https://shop.example.com:443/x"},
		{"example.com", "https://shop.example.com:8443/x", "/"},
		{"guestbook.localhost:8080", "http://shop.localhost:8080/x", "http://shop.localhost:8080/x"},
		{"guestbook.localhost:8080", "http://localhost:8080/x", "http://localhost:8080/x"},
		{"guestbook.localhost:8080", "http://localhost:3000/x", "/"},
		{"guestbook.localhost:8080", "http://localhost/x", "/"},
		{"example.com", "https://good.evil.com/", "/"},
		{"guestbook.localhost:8080", "http://shop.example.com/x", "/"},
		{"127.0.0.1:8080", "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"},
		{"[::1]:8080", "http://[::1]:8080/x", "http://[::1]:8080/x"},

		{"example.com", "//evil.example", "/"},
		{"example.com", "///evil.example", "/"},
		{"example.com", `/\evil.example`, "/"},
		{"example.com", `\\evil.example`, "/"},
		{"example.com", `/a\b`, "/"},
		{"example.com", "/\t/evil.example", "/"},
		{"example.com", "/\n/evil.example", "/"},
		{"example.com", "/a\r\nSet-Cookie: x=y", "/"},
		{"example.com", "/a\x00b", "/"},
		{"example.com", "/a\x7fb", "/"},
		{"example.com", " //evil.example", "/"},
		{"example.com", "evil.example", "/"},
		{"example.com", "a/b", "/"},
		{"example.com", "?a", "/"},
		{"example.com", "https://evil.example/", "/"},
		{"example.com", "https://example.com.evil.example/", "/"},
		{"example.com", "https://evilexample.com/", "/"},
		{"example.com", "https://example.com@evil.example/", "/"},
		{"example.com", "https://evil.example@example.com/", "/"},
		{"example.com", "https://evil.example#@example.com/", "/"},
		{"example.com", "https://evil.example%2f.example.com/", "/"},
		{"example.com", "https://evil.example%00.example.com/", "/"},
		{"example.com", "https://éxample.com/", "/"},
		{"example.com", "https://example.com../", "/"},
		{"example.com", "https://.example.com/", "/"},
		{"example.com", "https:example.com", "/"},
		{"example.com", "https:/example.com", "/"},
		{"example.com", "https:///example.com", "/"},
		{"example.com", "ftp://example.com/", "/"},
		{"example.com", "javascript:alert(1)", "/"},
		{"example.com", "javascript://example.com/%0aalert(1)", "/"},
		{"example.com", "data:text/html,x", "/"},
		{"example.com", "/" + strings.Repeat("a", 3000), "/"},
		{"evil.example", "https://example.com/", "/"}, // not a host of the server
	}
	a := newAuth(t, &auth.Options{Domain: "example.com"})
	for _, tt := range tests {
		if got := wayBack(t, a, tt.host, tt.raw); got != tt.want {
			t.Errorf("on %s, back to %q: %q, want %q", tt.host, tt.raw, got, tt.want)
		}
	}
}

func TestRedirectTargetWithoutDomain(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	for raw, want := range map[string]string{
		"https://shop.example.com/x":   "https://shop.example.com/x",
		"https://a.shop.example.com/x": "/",
		"https://example.com/x":        "/",
	} {
		if got := wayBack(t, a, "shop.example.com", raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// The page itself follows the same rule as its URL.
func TestSignInGoesBack(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	for raw, want := range map[string]string{
		"/dash?x=1":                      "/dash?x=1",
		"//evil.example":                 "/",
		s.url("shop.localhost", "/x"):    s.url("shop.localhost", "/x"),
		"https://evil.example/":          "/",
		"http://localhost.evil.example/": "/",
	} {
		got := s.browser().still().post(s.url("localhost", "/auth/dev/callback"),
			url.Values{"email": {"ann@example.com"}, "role": {"user"}, "back": {raw}})
		if to := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || to != want {
			t.Errorf("%q leads to %q, want %q", raw, to, want)
		}
	}
}

// The sign-in page takes the way back as redirect, too, and once.
func TestWayBackOfThePage(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	const evil = "https%3A%2F%2Fgood.evil.com%2F"
	own := url.QueryEscape(s.url("shop.localhost", "/x"))
	for query, want := range map[string]string{
		"redirect=%2Fdash%3Fx%3D1":      "/dash?x=1",
		"back=%2Fdash":                  "/dash",
		"redirect=" + own:               s.url("shop.localhost", "/x"),
		"back=" + own:                   s.url("shop.localhost", "/x"),
		"":                              "/",
		"redirect=":                     "/",
		"redirect=" + evil:              "/",
		"redirect=%2F%2Fevil.com":       "/",
		"redirect=%2F%5Cevil.com":       "/",
		"redirect=javascript%3Aalert":   "/",
		"redirect=%2Fa&redirect=%2Fa":   "/", // which one a filter before this server has read, nobody knows
		"redirect=%2Fa&back=" + evil:    "/",
		"back=%2Fa&redirect=%2Fb":       "/",
		"redirect=" + own + "&back=%2F": "/",
		"Redirect=%2Fdash":              "/",
	} {
		for _, host := range []string{"localhost", guestbook} {
			b := s.browser()
			page := b.get(s.url(host, "/auth/login?"+query))
			fields := page.hidden()
			fields.Set("email", "ann@example.com")
			fields.Set("role", "user")
			end := b.post(s.url("localhost", "/auth/dev/callback"), fields)
			wanted := want
			if strings.HasPrefix(want, "/") {
				wanted = s.url(host, want)
			}
			if end.url() != wanted {
				t.Errorf("on %s, ?%s leads to %s, want %s", host, query, end.url(), wanted)
			}
		}
	}
}

func TestLoginURL(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	tests := []struct{ method, target, back, want string }{
		{http.MethodGet, "/entries?page=2&x=a+b", "", "/auth/login?back=%2Fentries%3Fpage%3D2%26x%3Da%2Bb"},
		{http.MethodGet, "/", "", "/auth/login"},
		{http.MethodPost, "/entries", "", "/auth/login"},
		{http.MethodPost, "/entries", "/list", "/auth/login?back=%2Flist"},
		{http.MethodGet, "/entries", "https://evil.example", "/auth/login"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.target, nil)
		if got := a.LoginURL(r, tt.back); got != tt.want {
			t.Errorf("%s %s, back %q: %q, want %q", tt.method, tt.target, tt.back, got, tt.want)
		}
	}
	if d := cmp.Diff("/auth/logout", a.LogoutURL()); d != "" {
		t.Error(d)
	}
}

// Whatever it is given, a target is a path of this host or a URL of the domain,
// printable ASCII, and stays what it is when it is checked again.
func FuzzRedirectTarget(f *testing.F) {
	for _, raw := range []string{
		"/", "/a?b#c", "//evil.example", `/\evil.example`, "https://example.com/x", "https://a.example.com:443/", "http://a@example.com",
		"https://example.com\\@evil.example", "/é", "https:example.com", "/%2f/evil.example", "https://[::1]/", "https://example.com:/",
	} {
		f.Add(raw)
	}
	a := newAuth(f, &auth.Options{Domain: "example.com"})
	f.Fuzz(func(t *testing.T, raw string) {
		got := wayBack(t, a, "shop.example.com", raw)
		if strings.ContainsFunc(got, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
			t.Fatalf("%q: %q is not printable ASCII without a backslash", raw, got)
		}
		if again := wayBack(t, a, "shop.example.com", got); again != got {
			t.Fatalf("%q: %q becomes %q", raw, got, again)
		}
		if strings.HasPrefix(got, "/") {
			if strings.HasPrefix(got, "//") {
				t.Fatalf("%q: %q names another host", raw, got)
			}
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
			t.Fatalf("%q: %q, %v", raw, got, err)
		}
		if name := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); name != "example.com" && !strings.HasSuffix(name, ".example.com") {
			t.Fatalf("%q: %q is on %s", raw, got, name)
		}
	})
}
