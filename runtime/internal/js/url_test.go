package js_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// FuzzURL proves that a parsed URL is in normal form: parsing what it
// serialises to gives the same again.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://a.b/c?d#e", "file:///x", "mailto:a@b", "http://u:p@h:1/../x", "http://[::1]:80", "a:b", "ws:\\\\x", "http://a/%2e%2e/", "x://y z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, ok := js.ParseURL(s, "")
		if !ok {
			return
		}
		again, ok := js.ParseURL(href(u), "")
		if !ok {
			t.Fatalf("%q: %q doesn't parse", s, href(u))
		}
		if diff := cmp.Diff(u, again); diff != "" {
			t.Errorf("%q: %q isn't stable (-once +twice)\n%s", s, href(u), diff)
		}
	})
}

func href(u js.URL) string {
	s := u.Protocol
	if u.Hostname != "" || u.Protocol == "file:" {
		s += "//"
	}
	if u.Username != "" || u.Password != "" {
		s += u.Username
		if u.Password != "" {
			s += ":" + u.Password
		}
		s += "@"
	}
	s += u.Hostname
	if u.Port != "" {
		s += ":" + u.Port
	}
	if !strings.HasSuffix(s, "//") && u.Hostname == "" && strings.HasPrefix(u.Pathname, "//") {
		s += "/."
	}
	return s + u.Pathname + u.Search + u.Hash
}
