package auth_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

// localRequest is a request over a connection on loopback.
func localRequest(method, host, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Accept", "text/html")
	return overConn(r, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
}

// overConn gives r the address of the connection's own end.
func overConn(r *http.Request, local net.Addr) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
}

func respond(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDevExists(t *testing.T) {
	header := func(name, value string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request { r.Header.Set(name, value); return r }
	}
	host := func(host string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request { r.Host = host; return r }
	}
	peer := func(addr string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request { r.RemoteAddr = addr; return r }
	}
	local := func(addr net.Addr) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request { return overConn(r, addr) }
	}
	tests := []struct {
		name   string
		off    bool
		change func(*http.Request) *http.Request
		want   bool
	}{
		{"plain", false, host("localhost:8080"), true},
		{"IPv4", false, host("127.0.0.1:8080"), true},
		{"IPv6", false, host("[::1]:8080"), true},
		{"IPv6 peer", false, peer("[::1]:50000"), true},
		{"mapped peer", false, peer("[::ffff:127.0.0.1]:50000"), true},
		{"harmless header", false, header("X-Request-Id", "1"), true},

		{"off", true, host("localhost:8080"), false},
		{"LAN peer", false, peer("192.168.1.7:50000"), false},
		{"IPv6 LAN peer", false, peer("[fe80::1]:50000"), false},
		{"no peer", false, peer(""), false},
		{"peer of a socket file", false, peer("@"), false},
		{"wildcard listener, LAN address", false, local(&net.TCPAddr{IP: net.IPv4(192, 168, 1, 2), Port: 8080}), false},
		{"socket file", false, local(&net.UnixAddr{Name: "/run/fazt.sock", Net: "unix"}), false},
		{"no listener", false, local(nil), false},
		{"public host", false, host("example.com"), false},
		{"domain's own host", false, host("admin.example.com"), false},
		{"rebound host", false, host("localhost.evil.example"), false},
		{"lookalike", false, host("evillocalhost"), false},
		{"LAN host", false, host("192.168.1.2:8080"), false},
	}
	for _, name := range []string{
		"Forwarded", "Via", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
		"X-Forwarded-Server", "X_Forwarded_For", "Cdn-Loop", "X-Varnish", "X-Forwarded-Anything", "x-forwarded-lower", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP",
		"True-Client-IP", "Client-IP", "CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Ray", "Fastly-Client-IP", "Fly-Client-IP",
		"Fly-Forwarded-Port", "X-Original-Forwarded-For", "X-Original-Host", "X-Envoy-External-Address", "X-Envoy-Original-Path",
		"X-Amzn-Trace-Id", "X-Amz-Cf-Id", "X-AppEngine-User-IP", "X-Azure-ClientIP", "X-Azure-SocketIP", "Tailscale-User-Login",
	} {
		tests = append(tests, struct {
			name   string
			off    bool
			change func(*http.Request) *http.Request
			want   bool
		}{"header " + name, false, header(name, ""), false})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The domain makes the public hosts ones where people do sign in.
			a := newAuth(t, &auth.Options{Dev: !tt.off, Domain: "example.com"})
			got := map[string]int{}
			for path, method := range map[string]string{"/auth/dev/login": http.MethodGet, "/auth/dev/callback": http.MethodPost} {
				r := tt.change(localRequest(method, "localhost:8080", path))
				if method == http.MethodPost {
					r.Body = http.NoBody
				}
				got[path] = respond(a, r).Code
			}
			want := map[string]int{"/auth/dev/login": 404, "/auth/dev/callback": 404}
			if tt.want {
				want = map[string]int{"/auth/dev/login": 200, "/auth/dev/callback": 422}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			page := respond(a, tt.change(localRequest(http.MethodGet, "localhost:8080", "/auth/login")))
			if drawn := strings.Contains(page.Body.String(), "/auth/dev/callback"); drawn != tt.want {
				t.Errorf("form drawn: %v, want %v", drawn, tt.want)
			}
		})
	}
}

// What an absent dev provider answers tells nothing: it is any unknown path's.
func TestDevAbsentLooksUnknown(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	want := respond(a, localRequest(http.MethodGet, "localhost", "/auth/none"))
	for _, path := range []string{"/auth/dev/login", "/auth/dev/callback"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			got := respond(a, localRequest(method, "localhost", path))
			if d := cmp.Diff(want.Body.String(), got.Body.String()); d != "" || got.Code != want.Code {
				t.Errorf("%s %s: %d\n%s", method, path, got.Code, d)
			}
		}
	}
}

func TestDevForm(t *testing.T) {
	tests := []struct {
		name, email, person, role string
		want                      string // the user's name, or part of the problem
		ok                        bool
	}{
		{"full", "Ann@Example.com", "Ann Lee", "owner", "Ann Lee", true},
		{"no name", "ann@example.com", " ", "user", "ann", true},
		{"other scripts", "ann@example.com", "Ånn 李", "user", "Ånn 李", true},
		{"no e-mail", "", "Ann", "user", "not an e-mail address", false},
		{"display name", "Ann <ann@example.com>", "", "user", "not an e-mail address", false},
		{"two", "a@example.com, b@example.com", "", "user", "not an e-mail address", false},
		{"too long", strings.Repeat("a", 250) + "@example.com", "", "user", "not an e-mail address", false},
		{"long name", "ann@example.com", strings.Repeat("x", 101), "user", "too long", false},
		{"no role", "ann@example.com", "Ann", "", "Choose a role", false},
		{"made-up role", "ann@example.com", "Ann", "root", "Choose a role", false},
		{"markup", `"<script>alert(1)</script>`, "", "user", "not an e-mail address", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, auth.Options{Dev: true})
			b := s.browser().still()
			got := b.post(s.url("localhost", "/auth/dev/callback"),
				url.Values{"email": {tt.email}, "name": {tt.person}, "role": {tt.role}})
			if strings.Contains(got.body, "<script") {
				t.Errorf("markup was echoed:\n%s", got.body)
			}
			names := s.column(`SELECT name FROM auth_users`)
			if tt.ok {
				if d := cmp.Diff([]string{tt.want}, names); d != "" || got.StatusCode != http.StatusSeeOther {
					t.Errorf("status %d\n%s", got.StatusCode, d)
				}
				return
			}
			if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, tt.want) || len(names) > 0 {
				t.Errorf("status %d, users %v\n%s", got.StatusCode, names, got.body)
			}
		})
	}
}

func TestDevUserIsTheSame(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	phone, laptop := s.browser(), s.browser()
	phone.devSignIn("ann@example.com", "user")
	laptop.devSignIn("ANN@example.com", "user")
	if ids := s.column(`SELECT id FROM auth_users`); len(ids) != 1 {
		t.Fatalf("%d users", len(ids))
	}
	if who := phone.who("localhost"); who != "ann@example.com" {
		t.Errorf("the phone was logged out: %q", who)
	}

	laptop.devSignIn("ann@example.com", "admin")
	if d := cmp.Diff([]string{"admin"}, s.column(`SELECT role FROM auth_users`)); d != "" {
		t.Error(d)
	}
	if got := [2]string{phone.who("localhost"), laptop.who("localhost")}; got != [2]string{"nobody", "ann@example.com"} {
		t.Errorf("after the change of role: %v", got)
	}
}

func TestDevUserStaysApart(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	s.exec(`INSERT INTO auth_users (id, email, name, picture, role, provider, email_verified, created_at, last_login)
		VALUES ('real', 'ann@example.com', 'Ann', '', 'owner', 'google', 1, 1, 1)`)
	s.browser().devSignIn("ann@example.com", "user")
	if d := cmp.Diff([]string{"google owner", "dev user"}, s.column(`SELECT provider || ' ' || role FROM auth_users ORDER BY created_at`)); d != "" {
		t.Error(d)
	}
}

func TestDevUserIsNobodyWithoutDev(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	b.devSignIn("ann@example.com", "owner")
	token := b.cookie(s.url("localhost", ""), "fazt_session")

	for _, dev := range []bool{true, false} {
		a := newAuth(t, &auth.Options{Store: s.store, Dev: dev})
		r := localRequest(http.MethodGet, "localhost", "/")
		r.Header.Set("Cookie", "fazt_session="+token)
		u, err := a.User(r)
		if err != nil || (u != nil) != dev {
			t.Errorf("dev %v: %v, %v", dev, u, err)
		}
	}
}
