package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

func TestForgery(t *testing.T) {
	tests := []struct {
		name   string
		header func(s *server) http.Header
		want   int
	}{
		{"same origin", func(*server) http.Header { return http.Header{"Sec-Fetch-Site": {"same-origin"}} }, http.StatusSeeOther},
		{"typed in", func(*server) http.Header { return http.Header{"Sec-Fetch-Site": {"none"}} }, http.StatusSeeOther},
		{"sibling app", func(*server) http.Header { return http.Header{"Sec-Fetch-Site": {"same-site"}} }, http.StatusForbidden},
		{"another site", func(*server) http.Header { return http.Header{"Sec-Fetch-Site": {"cross-site"}} }, http.StatusForbidden},
		{"old browser, same origin", func(s *server) http.Header {
			return http.Header{"Sec-Fetch-Site": nil, "Origin": {s.url("localhost", "")}}
		}, http.StatusSeeOther},
		{"old browser, sibling app", func(s *server) http.Header {
			return http.Header{"Sec-Fetch-Site": nil, "Origin": {s.url("shop.localhost", "")}}
		}, http.StatusForbidden},
		{"old browser, another port", func(*server) http.Header {
			return http.Header{"Sec-Fetch-Site": nil, "Origin": {"http://localhost:1"}}
		}, http.StatusForbidden},
		{"sandboxed frame", func(*server) http.Header { return http.Header{"Sec-Fetch-Site": nil, "Origin": {"null"}} }, http.StatusForbidden},
		{"program", func(*server) http.Header { return http.Header{"Sec-Fetch-Site": nil} }, http.StatusSeeOther},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, auth.Options{Dev: true})
			b := s.browser().still()
			b.get(b.code())
			app := url.Values{"app": {strings.TrimPrefix(s.url(guestbook, ""), "http://")}, "challenge": {strings.Repeat("0", 64)}}
			dev := url.Values{"email": {"ann@example.com"}, "role": {"user"}}
			got := map[string]int{
				"continue": b.do(http.MethodPost, s.url("localhost", "/auth/continue"), app, tt.header(s)).StatusCode,
				"callback": b.do(http.MethodPost, s.url("localhost", "/auth/dev/callback"), dev, tt.header(s)).StatusCode,
				"logout":   b.do(http.MethodPost, s.url("localhost", "/auth/logout"), nil, tt.header(s)).StatusCode,
			}
			if d := cmp.Diff(map[string]int{"continue": tt.want, "callback": tt.want, "logout": tt.want}, got); d != "" {
				t.Error(d)
			}
			if in := b.who("localhost") != "nobody"; in != (tt.want == http.StatusForbidden) {
				t.Errorf("signed in: %v", in)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	type result struct {
		Status int
		Allow  string
	}
	tests := []struct {
		method, host, path string
		want               result
	}{
		{"GET", "localhost", "/auth/login", result{200, ""}},
		{"HEAD", "localhost", "/auth/login", result{200, ""}},
		{"POST", "localhost", "/auth/login", result{405, "GET, HEAD"}},
		{"GET", "localhost", "/auth/login/", result{404, ""}},
		{"GET", "localhost", "/auth/", result{404, ""}},
		{"GET", "localhost", "/auth/session", result{200, ""}},
		{"POST", guestbook, "/auth/session", result{405, "GET, HEAD"}},
		{"GET", "localhost", "/auth/continue", result{405, "POST"}},
		{"POST", guestbook, "/auth/continue", result{404, ""}},
		{"GET", "localhost", "/auth/handover", result{404, ""}},
		{"POST", guestbook, "/auth/handover", result{405, "GET, HEAD"}},
		{"GET", guestbook, "/auth/login", result{303, ""}},
		{"GET", guestbook, "/auth/dev/login", result{303, ""}},
		{"GET", "localhost", "/auth/dev/login", result{200, ""}},
		{"GET", "localhost", "/auth/dev/callback", result{405, "POST"}},
		{"POST", guestbook, "/auth/dev/callback", result{404, ""}},
		{"GET", guestbook, "/auth/logout", result{200, ""}},
		{"DELETE", "localhost", "/auth/logout", result{405, "GET, HEAD, POST"}},
		{"OPTIONS", "localhost", "/auth/logout", result{405, "GET, HEAD, POST"}},
	}
	s := start(t, auth.Options{Dev: true})
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.host+tt.path, func(t *testing.T) {
			for _, accept := range []string{"text/html", "*/*"} {
				res := s.browser().still().do(tt.method, s.url(tt.host, tt.path), nil, http.Header{"Accept": {accept}})
				if d := cmp.Diff(tt.want, result{res.StatusCode, res.Header.Get("Allow")}); d != "" {
					t.Error(d)
				}
				if accept == "*/*" && res.StatusCode >= 400 && !strings.HasPrefix(res.body, `{"error":{"code":"`) {
					t.Errorf("a program gets %q", res.body)
				}
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	got := s.browser().devSignIn(strings.Repeat("a", 1<<20), "user")
	if got.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", got.StatusCode)
	}
}

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

func TestPageHeaders(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	port := strings.TrimPrefix(s.url("", ""), "http://")
	forApp := "app=" + url.QueryEscape(guestbook+port) + "&challenge=" + strings.Repeat("0", 64)
	tests := []struct {
		host, path string
		status     int
		leadsTo    string // form-action
	}{
		{"localhost", "/auth/login", 200, "'self'"},
		{"localhost", "/auth/login?" + forApp, 200, "'self' " + s.url(guestbook, "")},
		{"localhost", "/auth/dev/login?" + forApp, 200, "'self' " + s.url(guestbook, "")},
		{"localhost", "/auth/dev/login?back=" + url.QueryEscape(s.url("shop.localhost", "/x")), 200, "'self' " + s.url("shop.localhost", "")},
		{"localhost", "/auth/dev/login?back=" + url.QueryEscape("http://evil.example/"), 200, "'self'"},
		{guestbook, "/auth/logout", 200, "'self'"},
		{"localhost", "/auth/none", 404, "'self'"},
		{"localhost", "/auth/login?app=evil.example", 400, "'self'"},
		{guestbook, "/auth/handover?code=x", 400, "'self'"},
	}
	for _, tt := range tests {
		t.Run(tt.host+tt.path, func(t *testing.T) {
			res := s.browser().still().get(s.url(tt.host, tt.path))
			style := styleElement.FindStringSubmatch(res.body)
			if style == nil {
				t.Fatalf("no style in\n%s", res.body)
			}
			sum := sha256.Sum256([]byte(style[1]))
			want := map[string]string{
				"Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
					"'; form-action " + tt.leadsTo + "; base-uri 'none'; frame-ancestors 'none'",
				"X-Content-Type-Options": "nosniff",
				"Referrer-Policy":        "same-origin",
				"Cache-Control":          "no-store",
				"Content-Type":           "text/html; charset=utf-8",
			}
			got := map[string]string{}
			for name := range want {
				got[name] = res.Header.Get(name)
			}
			if d := cmp.Diff(want, got); d != "" || res.StatusCode != tt.status {
				t.Errorf("status %d\n%s", res.StatusCode, d)
			}
			if strings.Contains(res.body, "<script") || strings.Contains(res.body, "style=") {
				t.Errorf("the policy forbids what the page has:\n%s", res.body)
			}
		})
	}
}

// What comes from a request or a user is text wherever a page shows it.
func TestPagesEscape(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	s := start(t, auth.Options{Dev: true})
	b := s.browser().still()
	b.devSignIn("ann@example.com", "user")
	s.exec(`UPDATE auth_users SET email = ?`, evil)
	for _, res := range []answer{
		b.get(s.url("localhost", "/auth/login")),
		b.get(s.url("localhost", "/auth/logout?back="+url.QueryEscape("/"+evil))),
		b.get(s.url("localhost", "/auth/dev/login?back="+url.QueryEscape("/"+evil))),
		b.get(s.url("localhost", "/auth/login?app="+url.QueryEscape(evil))),
		b.get(s.url(guestbook, "/auth/handover?code="+url.QueryEscape(evil))),
		b.post(s.url("localhost", "/auth/dev/callback"), url.Values{"email": {evil}, "name": {evil}, "role": {evil}}),
		b.get(s.url("localhost", "/auth/"+url.PathEscape(evil))),
	} {
		if !strings.Contains(res.body, "</html>") || strings.Contains(res.body, "<script") {
			t.Errorf("%s: %d\n%s", res.url(), res.StatusCode, res.body)
		}
	}
}

// With the database gone the answer is a retryable one, not a stranger's.
func TestDatabaseGone(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser().still()
	b.devSignIn("ann@example.com", "user")
	s.exec(`DROP TABLE auth_sessions`)
	for _, path := range []string{"/auth/login", "/auth/session", "/auth/logout"} {
		if got := b.get(s.url("localhost", path)); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, "auth_sessions") {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	if got := b.devSignIn("ann@example.com", "user"); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Set-Cookie") != "" {
		t.Errorf("sign-in: %d", got.StatusCode)
	}
	if got := b.get(s.url("localhost", "/")); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("User: %d %s", got.StatusCode, got.body)
	}
}
