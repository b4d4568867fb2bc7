package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

const guestbook = "guestbook.localhost"

// askFor begins signing in on an app's host and returns the own host's page.
func (b *browser) askFor(host, back string) answer {
	b.s.t.Helper()
	return b.get(b.s.url(host, "/auth/login?back="+url.QueryEscape(back)))
}

func TestSignInToApp(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()

	page := b.askFor(guestbook, "/entries?page=2")
	if got, want := page.Request.URL.Host, strings.TrimPrefix(s.url("localhost", ""), "http://"); got != want {
		t.Fatalf("signing in happens on %s, want %s", got, want)
	}
	if !strings.Contains(page.body, guestbook) || strings.Contains(page.body, "Continue to") {
		t.Errorf("the page of a stranger:\n%s", page.body)
	}
	form := b.get(s.url("localhost", "/auth/dev/login?"+page.Request.URL.RawQuery))
	fields := form.hidden()
	fields.Set("email", "ann@example.com")
	fields.Set("role", "admin")
	end := b.post(s.url("localhost", "/auth/dev/callback"), fields)
	if want := s.url(guestbook, "/entries?page=2"); end.url() != want {
		t.Fatalf("ended at %s, want %s", end.url(), want)
	}
	if end.body != "ann@example.com" {
		t.Fatalf("the app sees %q", end.body)
	}

	got := b.get(s.url(guestbook, "/auth/session"))
	id := s.column(`SELECT id FROM auth_users`)[0]
	want := `{"data":{"authenticated":true,"user":{"id":"` + id +
		`","email":"ann@example.com","name":"ann","picture":"","role":"admin","provider":"dev"}}}`
	if d := cmp.Diff(want, got.body); d != "" {
		t.Error(d)
	}
	if cc := got.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control: %q", cc)
	}
	if who := b.who("shop.localhost"); who != "nobody" {
		t.Errorf("an app that was not asked for sees %q", who)
	}

	// The second app takes one click.
	page = b.askFor("shop.localhost", "/")
	if !strings.Contains(page.body, "Continue to "+strings.TrimPrefix(s.url("shop.localhost", ""), "http://")) || !strings.Contains(page.body, "as ann@example.com") {
		t.Fatalf("no way to go on:\n%s", page.body)
	}
	if who := b.who("shop.localhost"); who != "nobody" {
		t.Errorf("before the click the app sees %q", who)
	}
	if end := b.post(s.url("localhost", "/auth/continue"), page.hidden()); end.body != "ann@example.com" {
		t.Errorf("after the click: %d %q", end.StatusCode, end.body)
	}
	if n := len(s.column(`SELECT id FROM auth_users`)); n != 1 {
		t.Errorf("%d users", n)
	}
	if left := s.column(`SELECT code_hash FROM auth_handovers`); len(left) != 0 {
		t.Errorf("codes left: %v", left)
	}
}

func TestSessionOfNobody(t *testing.T) {
	s := start(t, auth.Options{})
	got := s.browser().get(s.url("localhost", "/auth/session"))
	if d := cmp.Diff(`{"data":{"authenticated":false,"user":null}}`, got.body); d != "" {
		t.Error(d)
	}
}

// code signs b in to the guestbook as far as the code, and returns the URL that
// would redeem it.
func (b *browser) code() string {
	b.s.t.Helper()
	b.still()
	toOwn := b.askFor(guestbook, "/after").Header.Get("Location")
	u, err := url.Parse(toOwn)
	if err != nil {
		b.s.t.Fatal(err)
	}
	fields := u.Query()
	fields.Set("email", "ann@example.com")
	fields.Set("role", "user")
	res := b.post(b.s.url("localhost", "/auth/dev/callback"), fields)
	code := res.Header.Get("Location")
	if !strings.HasPrefix(code, b.s.url(guestbook, "/auth/handover?code=")) {
		b.s.t.Fatalf("no code: %d %q", res.StatusCode, code)
	}
	return code
}

func TestCode(t *testing.T) {
	swapHost := func(s *server, target, host string) string {
		return strings.Replace(target, s.url(guestbook, ""), s.url(host, ""), 1)
	}
	tests := []struct {
		name string
		// redeem tries to use code, b's own, and returns the answer.
		redeem func(s *server, b *browser, code string) answer
		ok     bool
	}{
		{"as meant", func(s *server, b *browser, code string) answer { return b.get(code) }, true},
		{"twice", func(s *server, b *browser, code string) answer {
			verifier := b.cookie(code, "fazt_handover")
			b.get(code)
			return s.browser().still().do(http.MethodGet, code, nil, http.Header{"Cookie": {"fazt_handover=" + verifier}})
		}, false},
		{"stolen, no verifier", func(s *server, b *browser, code string) answer { return s.browser().still().get(code) }, false},
		{"stolen, the thief's verifier", func(s *server, b *browser, code string) answer {
			thief := s.browser().still()
			thief.askFor(guestbook, "/")
			return thief.get(code)
		}, false},
		{"two verifiers, one planted", func(s *server, b *browser, code string) answer {
			verifier := b.cookie(code, "fazt_handover")
			planted := strings.Repeat("a", len(verifier))
			return s.browser().still().do(http.MethodGet, code, nil,
				http.Header{"Cookie": {"fazt_handover=" + planted + "; fazt_handover=" + verifier}})
		}, false},
		{"on another app's host", func(s *server, b *browser, code string) answer {
			other := swapHost(s, code, "shop.localhost")
			verifier := b.cookie(code, "fazt_handover")
			return s.browser().still().do(http.MethodGet, other, nil, http.Header{"Cookie": {"fazt_handover=" + verifier}})
		}, false},
		{"too late", func(s *server, b *browser, code string) answer {
			s.exec(`UPDATE auth_handovers SET expires_at = expires_at - 60000`)
			return b.get(code)
		}, false},
		{"just in time", func(s *server, b *browser, code string) answer {
			s.exec(`UPDATE auth_handovers SET expires_at = expires_at - 20000`)
			return b.get(code)
		}, true},
		{"after the own session was logged out", func(s *server, b *browser, code string) answer {
			b.post(s.url("localhost", "/auth/logout"), nil)
			return b.get(code)
		}, false},
		{"no code", func(s *server, b *browser, code string) answer { return b.get(s.url(guestbook, "/auth/handover")) }, false},
		{"made-up code", func(s *server, b *browser, code string) answer {
			return b.get(code[:len(code)-4] + "aaaa")
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, auth.Options{Dev: true})
			b := s.browser()
			got := tt.redeem(s, b, b.code())
			if tt.ok {
				if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/after" {
					t.Fatalf("%d to %q", got.StatusCode, got.Header.Get("Location"))
				}
				if who := b.who(guestbook); who != "ann@example.com" {
					t.Errorf("the app sees %q", who)
				}
				return
			}
			if got.StatusCode != http.StatusBadRequest && got.StatusCode != http.StatusNotFound {
				t.Errorf("status %d", got.StatusCode)
			}
			if c := got.Header.Values("Set-Cookie"); len(c) > 0 {
				t.Errorf("cookies were set: %q", c)
			}
		})
	}
}

// However many try at the same time, one gets the session.
func TestCodeOnce(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	code := b.code()
	cookie := http.Header{"Cookie": {"fazt_handover=" + b.cookie(code, "fazt_handover")}}
	status := make(chan int)
	for range 8 {
		try := s.browser().still()
		go func() {
			got := 0 // also when the try fails the test
			defer func() { status <- got }()
			got = try.do(http.MethodGet, code, nil, cookie).StatusCode
		}()
	}
	got := map[int]int{}
	for range 8 {
		got[<-status]++
	}
	if d := cmp.Diff(map[int]int{http.StatusSeeOther: 1, http.StatusBadRequest: 7}, got); d != "" {
		t.Error(d)
	}
	if n := len(s.column(`SELECT host FROM auth_sessions WHERE host = '` + guestbook + `'`)); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// What names an app that is not the server's gets neither a redirect nor a code.
func TestForeignApp(t *testing.T) {
	s := start(t, auth.Options{Dev: true, Domain: "example.com"})
	b := s.browser().still()
	b.devSignIn("ann@example.com", "user")
	port := strings.TrimPrefix(s.url("", ""), "http://")
	challenge := strings.Repeat("0", 64)

	tests := []struct {
		name, app, challenge string
		want                 int
	}{
		{"an app", guestbook + port, challenge, http.StatusSeeOther},
		{"another port", guestbook + ":1", challenge, http.StatusBadRequest},
		{"no port", guestbook, challenge, http.StatusBadRequest},
		{"another site", "evil.example" + port, challenge, http.StatusBadRequest},
		{"a lookalike", "evil-localhost" + port, challenge, http.StatusBadRequest},
		{"two labels", "a.b.localhost" + port, challenge, http.StatusBadRequest},
		{"the own host", "localhost" + port, challenge, http.StatusBadRequest},
		{"an app of the domain", "guestbook.example.com" + port, challenge, http.StatusBadRequest},
		{"user info", "guestbook.localhost" + port + "@evil.example", challenge, http.StatusBadRequest},
		{"a path", "evil.example/.localhost" + port, challenge, http.StatusBadRequest},
		{"empty", "", challenge, http.StatusBadRequest},
		{"no challenge", guestbook + port, "", http.StatusBadRequest},
		{"a bad challenge", guestbook + port, strings.Repeat("Z", 64), http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := url.Values{"app": {tt.app}, "challenge": {tt.challenge}, "back": {"/"}}
			posted := b.post(s.url("localhost", "/auth/continue"), v)
			if posted.StatusCode != tt.want {
				t.Errorf("continue: %d, want %d", posted.StatusCode, tt.want)
			}
			if to := posted.Header.Get("Location"); (to != "") != (tt.want == http.StatusSeeOther) {
				t.Errorf("continue leads to %q", to)
			}
			shown := b.get(s.url("localhost", "/auth/login?"+v.Encode()))
			if ok := shown.StatusCode == http.StatusOK; ok != (tt.want == http.StatusSeeOther) {
				t.Errorf("login: %d", shown.StatusCode)
			}
		})
	}
}

func TestContinueWithoutSession(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser().still()
	page, err := url.Parse(b.askFor(guestbook, "/x").Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	got := b.post(s.url("localhost", "/auth/continue"), page.Query())
	if want := "/auth/login?" + page.RawQuery; got.Header.Get("Location") != want {
		t.Errorf("sent to %q, want %q", got.Header.Get("Location"), want)
	}
	if codes := s.column(`SELECT code_hash FROM auth_handovers`); len(codes) != 0 {
		t.Errorf("%d codes", len(codes))
	}
}

// Where people sign in for a host.
func TestSignInHost(t *testing.T) {
	tests := []struct{ domain, host, want string }{
		{"", "guestbook.localhost:8080", "http://localhost:8080"},
		{"", "GuestBook.LocalHost:8080", "http://localhost:8080"},
		{"", "localhost:8080", "here"},
		{"", "127.0.0.1:8080", "here"},
		{"", "[::1]:8080", "here"},
		{"", "shop.example.com", "here"},
		{"", "a.b.localhost", "here"}, // not an app's; a host like any other
		{"example.com", "guestbook.example.com", "http://admin.example.com"},
		{"example.com", "example.com", "http://admin.example.com"},
		{"example.com", "example.com:8443", "http://admin.example.com:8443"},
		{"example.com", "admin.example.com", "here"},
		{"example.com", "guestbook.localhost:80", "http://localhost:80"},
		{"example.com", "a.b.example.com", "nowhere"},
		{"example.com", "example.org", "nowhere"},
		{"example.com", "notexample.com", "nowhere"},
		{"example.com", "192.0.2.1", "nowhere"},
		{"example.com", "example.com:80x", "nowhere"},
		{"example.com", "exam ple.com", "nowhere"},
		{"example.com", "", "nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.domain+" "+tt.host, func(t *testing.T) {
			a := newAuth(t, &auth.Options{Domain: tt.domain})
			got := respond(a, localRequest(http.MethodGet, tt.host, "/auth/login"))
			where := "here"
			switch {
			case got.Code == http.StatusNotFound:
				where = "nowhere"
			case got.Code == http.StatusSeeOther:
				u, err := url.Parse(got.Header().Get("Location"))
				if err != nil {
					t.Fatal(err)
				}
				where = u.Scheme + "://" + u.Host
				if app := u.Query().Get("app"); app != strings.ToLower(tt.host) {
					t.Errorf("app %q", app)
				}
			}
			if where != tt.want {
				t.Errorf("signs in at %s, want %s", where, tt.want)
			}
		})
	}
}

// A final dot, or capitals, name the same host; a browser keeps other cookies for it.
func TestSignInToAppByItsFullName(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	for _, host := range []string{"guestbook.localhost.", "GuestBook.localhost"} {
		b := s.browser()
		fields := b.askFor(host, "/in").hidden()
		fields.Set("email", "ann@example.com")
		fields.Set("role", "user")
		end := b.post(s.url("localhost", "/auth/dev/callback"), fields)
		if want := s.url(strings.ToLower(host), "/in"); end.url() != want || end.body != "ann@example.com" {
			t.Errorf("%s: ended at %s as %q", host, end.url(), end.body)
		}
	}
}
