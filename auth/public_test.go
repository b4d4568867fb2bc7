package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

func TestPublicHeader(t *testing.T) {
	tests := []struct {
		name     string
		in, want http.Header
	}{
		{"nothing of ours", http.Header{"Accept": {"*/*"}}, http.Header{"Accept": {"*/*"}}},
		{"somebody else's", http.Header{"Authorization": {"Basic YTpi"}, "Cookie": {"a=1; b=2"}},
			http.Header{"Authorization": {"Basic YTpi"}, "Cookie": {"a=1; b=2"}}},
		{"key", http.Header{"Authorization": {"Bearer fzt_a_b"}, "X": {"1"}}, http.Header{"X": {"1"}}},
		{"bare key", http.Header{"Authorization": {"fzt_a_b"}}, http.Header{}},
		{"second line", http.Header{"Authorization": {"Basic x", "bearer  fzt_a_b"}}, http.Header{}},
		{"session", http.Header{"Cookie": {"fazt_session=x"}}, http.Header{}},
		{"session among others", http.Header{"Cookie": {"a=1; __Host-fazt_session=x;b=2", "fazt_handover=x", "c"}}, http.Header{"Cookie": {"a=1; b=2", "c"}}},
		{"oddly written", http.Header{"Cookie": {"fazt_session =x;  fazt_session"}}, http.Header{}},
	}
	for _, tt := range tests {
		before := tt.in.Clone()
		if d := cmp.Diff(tt.want, auth.PublicHeader(tt.in)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if d := cmp.Diff(before, tt.in); d != "" {
			t.Errorf("%s: the request's own header changed: %s", tt.name, d)
		}
	}
}

func TestPublicCookies(t *testing.T) {
	a := newAuth(t, &auth.Options{Domain: "example.com"})
	const notes = "notes.example.com"
	tests := []struct{ host, line, want string }{ // want is a word of the reason, "" for none
		{notes, "own=1; Path=/", ""},
		{notes, "own=", ""},
		{notes, `own="a b"; HttpOnly`, ""},
		{notes, "own=a, b c/=%20; Expires=Wed, 09 Jun 2027 10:18:14 GMT; SameSite=Lax; Secure", ""},
		{notes, "fazt_sessions=2", ""},
		{notes, "own=1; Domain=notes.example.com", ""},
		{notes, "own=1; domain = .Notes.Example.com; Path=/", ""},

		{notes, "fazt_session=x", "server's own"},
		{notes, "FAZT_Session=x", "server's own"},
		{notes, "__Host-fazt_session=x", "server's own"},
		{notes, "__hOST-fazt_Handover=x; Path=/", "server's own"},
		{notes, "fazt_handover=x; Path=/", "server's own"},

		{notes, "fazt_session;=x; Domain=example.com", "name=value"},
		{notes, "fazt_session; Path=/", "name=value"},
		{notes, "=fazt_session=x", "name=value"},
		{notes, "=fazt_session", "name=value"},
		{notes, "", "name=value"},
		{notes, ";", "name=value"},
		{notes, " fazt_session =x", "name=value"},
		{notes, "fazt_session\t=x", "name=value"},
		{notes, "fazt_session=x", "server's own"},
		{notes, "\x00fazt_session=x", "name=value"},
		{notes, "own=a\x00; Domain=example.com", "name=value"},
		{notes, "own=a\r\nSet-Cookie: fazt_session=x", "name=value"},
		{notes, "own=1; Path=/\x01", "name=value"},
		{notes, "own=é", "name=value"},
		{notes, `own="a"b"`, "name=value"},
		{notes, `own=a\b`, "name=value"},

		{notes, "own=1; Domain=example.com", "Domain"},
		{notes, "own=1; Domain=.example.com", "Domain"},
		{notes, "own=1; DOMAIN=shop.example.com", "Domain"},
		{notes, "own=1;Domain", "Domain"},
		{notes, "own=1; Domain=notes.example.com; Domain=example.com", "Domain"},
		{notes, "own=1; Domain=example.com; Domain=notes.example.com", "Domain"},
		{notes, "own=1; \tDomain\t=example.com", "name=value"},
		{"example.com", "own=1; Domain=example.com", "Domain"}, // it would reach every app
		{"example.com", "own=1", ""},
		{"notes.localhost:8080", "own=1; Domain=localhost", "Domain"},
		{"localhost:8080", "own=1; Domain=localhost", "Domain"},
	}
	for _, tt := range tests {
		lines := []string{"first=1", tt.line, "last=1"}
		kept, refused := auth.PublicCookies(a.Site(tt.host), lines)
		want := lines
		if tt.want != "" {
			want = []string{"first=1", "last=1"}
		}
		if d := cmp.Diff(want, kept); d != "" {
			t.Errorf("%s: %q: %s", tt.host, tt.line, d)
		}
		if tt.want == "" && len(refused) == 0 {
			continue
		}
		if len(refused) != 1 || !strings.Contains(refused[0].Error(), tt.want) {
			t.Errorf("%s: %q: %v, want %q", tt.host, tt.line, refused, tt.want)
		}
		if lines[1] != tt.line {
			t.Errorf("the lines were changed: %q", lines)
		}
	}
}

// Whatever passes is what net/http, which parses strictly, reads as one cookie of
// another name than ours, for this host alone.
func FuzzPublicCookies(f *testing.F) {
	for _, line := range []string{"own=1; Path=/", "fazt_session;=x", "=a", `a="b"; Domain=x`, "a=b; domain=notes.example.com", "a=b;;=;"} {
		f.Add(line)
	}
	a := newAuth(f, &auth.Options{Domain: "example.com"})
	f.Fuzz(func(t *testing.T, line string) {
		kept, _ := auth.PublicCookies(a.Site("notes.example.com"), []string{line})
		if len(kept) == 0 {
			return
		}
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if auth.OwnsCookie(c.Name) || c.Domain != "" && !strings.EqualFold(strings.TrimPrefix(c.Domain, "."), "notes.example.com") {
			t.Fatalf("%q: %+v", line, c)
		}
	})
}

func TestBearerToken(t *testing.T) {
	for header, want := range map[string]string{
		"":                "",
		"Bearer":          "",
		"Bearer fzt_a_b":  "fzt_a_b",
		"bearer  fzt_a_b": "fzt_a_b",
		"BEARER x":        "x",
		"Basic fzt_a_b":   "",
		"fzt_a_b":         "",
	} {
		if got := auth.BearerToken(http.Header{"Authorization": {header}}); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

// TestPublicPath: no log has a code that lets its reader in, however it was asked for.
func TestPublicPath(t *testing.T) {
	for path, want := range map[string]string{
		"/":                       "/",
		"/auth/login":             "/auth/login",
		"/auth/setup/":            "/auth/setup/",
		"/auth/setup/code":        "/auth/setup/...",
		"//auth/setup/code":       "/auth/setup/...",
		"/auth//invite/code/":     "/auth/invite/...",
		"/x/../auth/./setup/code": "/auth/setup/...",
		"/x//y":                   "/x//y",
		"":                        "",
	} {
		if got := auth.PublicPath(path); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
}
