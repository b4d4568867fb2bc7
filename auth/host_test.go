package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

// site is what a test compares of an [auth.Site].
type site struct {
	Kind                            auth.SiteKind
	Label, Name, Port, Addr, SignIn string
}

func TestSite(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	management := func(name, port, addr string) site {
		signIn := name
		if port != "" {
			signIn += ":" + port
		}
		return site{auth.SiteManagement, "", name, port, addr, signIn}
	}
	app := func(label, name, port, addr, signIn string) site {
		return site{auth.SiteApp, label, name, port, addr, signIn}
	}
	single := func(host string) site { return site{auth.SiteSingle, "", host, "", host, host} }
	tests := []struct {
		domain, host string
		want         site // the zero site: elsewhere
	}{
		{"", "localhost", management("localhost", "", "localhost")},
		{"", "localhost:8080", management("localhost", "8080", "localhost:8080")},
		{"", "LocalHost.:8080", management("localhost", "8080", "localhost.:8080")},
		{"", "127.0.0.1:8080", management("127.0.0.1", "8080", "127.0.0.1:8080")},
		{"", "[::1]:8080", management("[::1]", "8080", "[::1]:8080")},
		{"", "[::1]", management("[::1]", "", "[::1]")},
		{"example.com", "localhost", management("localhost", "", "localhost")},
		{"example.com", "admin.example.com", management("admin.example.com", "", "admin.example.com")},
		{"example.com", "ADMIN.Example.COM.:443", management("admin.example.com", "443", "admin.example.com.:443")},

		{"", "notes.localhost:8080", app("notes", "notes.localhost", "8080", "notes.localhost:8080", "localhost:8080")},
		{"", "Notes.LocalHost", app("notes", "notes.localhost", "", "notes.localhost", "localhost")},
		{"", "notes.localhost.", app("notes", "notes.localhost", "", "notes.localhost.", "localhost")},
		{"", "admin.localhost", app("admin", "admin.localhost", "", "admin.localhost", "localhost")},
		{"example.com", "notes.localhost", app("notes", "notes.localhost", "", "notes.localhost", "localhost")},
		{"example.com", "notes.example.com", app("notes", "notes.example.com", "", "notes.example.com", "admin.example.com")},
		{"example.com", "notes.example.com.", app("notes", "notes.example.com", "", "notes.example.com.", "admin.example.com")},
		{"example.com", "notes.example.com.:8443", app("notes", "notes.example.com", "8443", "notes.example.com.:8443", "admin.example.com:8443")},
		{"example.com", "notes.example.com:", app("notes", "notes.example.com", "", "notes.example.com", "admin.example.com")},
		{"example.com", label63 + ".example.com", app(label63, label63+".example.com", "", label63+".example.com", "admin.example.com")},
		{"example.com", "my_app.example.com", app("my_app", "my_app.example.com", "", "my_app.example.com", "admin.example.com")},
		{"example.com", "example.com", app("", "example.com", "", "example.com", "admin.example.com")},
		{"example.com", "EXAMPLE.com.:80", app("", "example.com", "80", "example.com.:80", "admin.example.com:80")},
		{"Example.COM", "notes.example.com", app("notes", "notes.example.com", "", "notes.example.com", "admin.example.com")},
		// A domain below localhost is a domain first.
		{"fazt.localhost", "fazt.localhost", app("", "fazt.localhost", "", "fazt.localhost", "admin.fazt.localhost")},
		{"fazt.localhost", "notes.fazt.localhost", app("notes", "notes.fazt.localhost", "", "notes.fazt.localhost", "admin.fazt.localhost")},
		{"fazt.localhost", "notes.localhost", app("notes", "notes.localhost", "", "notes.localhost", "localhost")},
		{"localhost", "admin.localhost", management("admin.localhost", "", "admin.localhost")},
		{"localhost", "localhost", management("localhost", "", "localhost")},

		{"", "shop.example.com", single("shop.example.com")},
		{"", "a.b.localhost", single("a.b.localhost")},
		{"", "192.0.2.1", single("192.0.2.1")},
		{"", "127.0.0.2", single("127.0.0.2")},
		{"", "nas", single("nas")},
		{"", "[2001:db8::1]", single("[2001:db8::1]")},

		{"example.com", "a.notes.example.com", site{}},
		{"example.com", "a.b.localhost", site{}},
		{"example.com", "notexample.com", site{}},
		{"example.com", "notes.example.org", site{}},
		{"example.com", "example.com.evil.example", site{}},
		{"example.com", "192.0.2.1", site{}},
		{"example.com", "[2001:db8::1]", site{}},
		{"", "", site{}},
		{"", ".", site{}},
		{"", ":8080", site{}},
		{"", "::1", site{}},
		{"", "[::1", site{}},
		{"", "::1]", site{}},
		{"", "[::1].", site{}},
		{"", "[::1]x", site{}},
		{"", "[127.0.0.1]", site{}},
		{"", "[fe80::1%eth0]", site{}},
		{"", "[localhost]", site{}},
		{"", ".localhost", site{}},
		{"", "notes..localhost", site{}},
		{"", "notes.localhost..", site{}},
		{"", "notes.localhost:80x", site{}},
		{"", "notes.localhost:123456", site{}},
		{"", "notes.localhost:80:80", site{}},
		{"", "notes.localhost:-1", site{}},
		{"", "no tes.localhost", site{}},
		{"", "user@notes.localhost", site{}},
		{"", "notes.localhost/x", site{}},
		{"", "nötes.localhost", site{}},
		{"", "notes.loca\u212ahost", site{}}, // the Kelvin sign, whose lower case is k
		{"", "K\u212a.localhost", site{}},
		{"", label63 + "a.localhost", site{}},
		{"", strings.Repeat("a.", 130) + "localhost", site{}},
	}
	servers := map[string]*auth.Auth{} // by domain
	for _, tt := range tests {
		a := servers[tt.domain]
		if a == nil {
			a = newAuth(t, &auth.Options{Domain: tt.domain})
			servers[tt.domain] = a
		}
		s := a.Site(tt.host)
		got := site{s.Kind, s.Label, s.Name, s.Port, s.Addr, s.SignIn()}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("domain %q, host %q: %s", tt.domain, tt.host, d)
		}
		if signsIn := s.Kind != auth.SiteElsewhere && a.Site(s.SignIn()).Name == s.Name; signsIn != s.SignsIn() {
			t.Errorf("domain %q, host %q: SignsIn is %v", tt.domain, tt.host, s.SignsIn())
		}
	}
}

func TestAppAddr(t *testing.T) {
	a := newAuth(t, &auth.Options{Domain: "example.com"})
	for host, want := range map[string]string{
		"127.0.0.1:8080":        "shop.localhost:8080",
		"localhost":             "shop.localhost",
		"notes.localhost:80":    "shop.localhost:80",
		"admin.example.com":     "shop.example.com",
		"example.com.:8443":     "shop.example.com:8443",
		"notes.example.com:443": "shop.example.com:443",
		"example.org":           "",
	} {
		if got := a.Site(host).AppAddr("shop"); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

// Whoever signs in at a host as the browser wrote it, comes back to it, since
// that is where the cookies are.
func TestSignInWithFinalDot(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	b.devSignIn("ann@example.com", "user")
	page := b.get(s.url("guestbook.localhost.", "/auth/login?back="+url.QueryEscape(s.url("guestbook.localhost.", "/x"))))
	if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.url(), s.url("localhost", "/auth/login?")) {
		t.Fatalf("%d at %s", page.StatusCode, page.url())
	}
	end := b.post(s.url("localhost", "/auth/continue"), page.hidden())
	if want := s.url("guestbook.localhost.", "/x"); end.url() != want || end.body != "ann@example.com" {
		t.Errorf("%q at %s, want %s", end.body, end.url(), want)
	}
}

// The name of a site is one that Site takes, and then the same.
func FuzzSite(f *testing.F) {
	for _, host := range []string{
		"notes.example.com.:8443", "localhost", "[::1]:80", "a.b.localhost", "[::ffff:127.0.0.1]", "x:", "example.com:99999", "..",
	} {
		f.Add(host)
	}
	a := newAuth(f, &auth.Options{Domain: "example.com"})
	b := newAuth(f, &auth.Options{})
	f.Fuzz(func(t *testing.T, host string) {
		for _, a := range []*auth.Auth{a, b} {
			s := a.Site(host)
			if s.Kind == auth.SiteElsewhere {
				if s != (auth.Site{}) {
					t.Fatalf("%q: elsewhere is %+v", host, s)
				}
				continue
			}
			for _, same := range []string{s.Addr, s.Name, s.Name + ":1", strings.ToUpper(s.Name)} {
				if again := a.Site(same); again.Name != s.Name || again.Kind != s.Kind || again.Label != s.Label {
					t.Fatalf("%q: %q is %+v, and not %+v", host, same, again, s)
				}
			}
			if in := a.Site(s.SignIn()); !in.SignsIn() {
				t.Fatalf("%q signs in at %q, where nobody does", host, s.SignIn())
			}
		}
	})
}

// The claim: no allocation for what browsers send.
func BenchmarkSite(b *testing.B) {
	a := newAuth(b, &auth.Options{Domain: "example.com"})
	for _, host := range []string{"notes.localhost:8080", "notes.example.com", "admin.example.com", "[::1]:8080", "Notes.Example.COM.:443"} {
		b.Run(host, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if a.Site(host).Kind == auth.SiteElsewhere {
					b.Fatal(host)
				}
			}
		})
	}
}

func TestSiteDoesNotAllocate(t *testing.T) {
	a := newAuth(t, &auth.Options{Domain: "example.com"})
	for _, host := range []string{"notes.localhost:8080", "notes.example.com", "admin.example.com", "[::1]:8080", "notes.example.com.:443"} {
		if n := testing.AllocsPerRun(100, func() { a.Site(host) }); n != 0 {
			t.Errorf("%s: %v allocations", host, n)
		}
	}
}
