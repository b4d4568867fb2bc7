package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

func TestCookies(t *testing.T) {
	type attributes struct {
		Name, Path, Domain string
		Secure, HTTPOnly   bool
		SameSite           http.SameSite
		MaxAge             int
	}
	tests := []struct {
		name   string
		start  func(testing.TB, auth.Options) *server
		opt    auth.Options
		prefix string
		secure bool
	}{
		{"plain", start, auth.Options{}, "", false},
		{"TLS", startTLS, auth.Options{}, "__Host-", true},
		{"proxy that ends TLS", start, auth.Options{Secure: func(*http.Request) bool { return true }}, "__Host-", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.opt.Dev = true
			tt.opt.SessionMax = 30 * 24 * time.Hour
			s := tt.start(t, tt.opt)
			b := s.browser().still()
			var got []attributes
			for _, res := range []answer{
				b.askFor(guestbook, "/"),
				b.devSignIn("ann@example.com", "user"),
				b.post(s.url("localhost", "/auth/logout"), nil),
			} {
				for _, c := range res.Cookies() {
					got = append(got, attributes{c.Name, c.Path, c.Domain, c.Secure, c.HttpOnly, c.SameSite, c.MaxAge})
				}
			}
			lax := http.SameSiteLaxMode
			want := []attributes{
				{tt.prefix + "fazt_handover", "/", "", tt.secure, true, lax, 15 * 60},
				{tt.prefix + "fazt_session", "/", "", tt.secure, true, lax, 30 * 24 * 3600},
				{tt.prefix + "fazt_session", "/", "", tt.secure, true, lax, -1},
				{tt.prefix + "fazt_left", "/", "", tt.secure, true, lax, 5 * 60},
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for _, c := range got {
				if !auth.OwnsCookie(c.Name) {
					t.Errorf("%s is not owned", c.Name)
				}
			}
		})
	}
	if auth.OwnsCookie("theme") {
		t.Error("another's cookie is owned")
	}
}

func TestOverTLS(t *testing.T) {
	s := startTLS(t, auth.Options{Dev: true})
	b := s.browser()
	page := b.askFor(guestbook, "/in")
	fields, err := url.ParseQuery(page.Request.URL.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	fields.Set("email", "ann@example.com")
	fields.Set("role", "user")
	end := b.post(s.url("localhost", "/auth/dev/callback"), fields)
	if end.url() != s.url(guestbook, "/in") || end.body != "ann@example.com" {
		t.Fatalf("ended at %s as %q", end.url(), end.body)
	}
	// The name without the prefix is one that a sibling host could set.
	token := b.cookie(s.url(guestbook, ""), "__Host-fazt_session")
	got := s.browser().do(http.MethodGet, s.url(guestbook, "/"), nil, http.Header{"Cookie": {"fazt_session=" + token}})
	if got.body != "nobody" {
		t.Errorf("an unprefixed cookie is good on TLS: %q", got.body)
	}
}

func TestTokenIsHashed(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	b.devSignIn("ann@example.com", "user")
	token := b.cookie(s.url("localhost", ""), "fazt_session")
	if len(token) != 52 { // 256 bits, five a character
		t.Errorf("token %q", token)
	}
	if hash := s.column(`SELECT token_hash FROM auth_sessions`); len(hash) != 1 || len(hash[0]) != 64 || strings.Contains(hash[0], token) {
		t.Errorf("stored as %q", hash)
	}
}

// A session that somebody planted before the sign-in is worth nothing after it,
// nor does the one before it survive.
func TestFixation(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	home := s.url("localhost", "/")
	b := s.browser()
	b.devSignIn("eve@example.com", "user")
	planted := b.cookie(home, "fazt_session")
	b.devSignIn("ann@example.com", "user")
	fresh := b.cookie(home, "fazt_session")

	got := map[string]string{}
	for name, token := range map[string]string{"planted": planted, "fresh": fresh, "made up": strings.Repeat("a", 52)} {
		got[name] = s.browser().do(http.MethodGet, home, nil, http.Header{"Cookie": {"fazt_session=" + token}}).body
	}
	want := map[string]string{"planted": "nobody", "fresh": "ann@example.com", "made up": "nobody"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	both := s.browser().do(http.MethodGet, home, nil, http.Header{"Cookie": {"fazt_session=" + fresh + "; fazt_session=" + fresh}})
	if both.body != "nobody" {
		t.Errorf("a cookie that comes twice is %q", both.body)
	}
}

func TestSessionOfOneHost(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	b.get(b.code())
	own := b.cookie(s.url("localhost", ""), "fazt_session")
	apps := b.cookie(s.url(guestbook, ""), "fazt_session")

	type row struct{ Host, Token string }
	got := map[row]string{}
	for _, host := range []string{"localhost", guestbook, "shop.localhost", "127.0.0.1"} {
		for name, token := range map[string]string{"own": own, "app": apps} {
			got[row{host, name}] = s.browser().do(http.MethodGet, s.url(host, "/"), nil, http.Header{"Cookie": {"fazt_session=" + token}}).body
		}
	}
	want := map[row]string{
		{"localhost", "own"}: "ann@example.com", {"localhost", "app"}: "nobody",
		{guestbook, "own"}: "nobody", {guestbook, "app"}: "ann@example.com",
		{"shop.localhost", "own"}: "nobody", {"shop.localhost", "app"}: "nobody",
		{"127.0.0.1", "own"}: "nobody", {"127.0.0.1", "app"}: "nobody",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// Nor can a browser end another host's session.
	s.browser().do(http.MethodPost, s.url("shop.localhost", "/auth/logout"), nil, http.Header{"Cookie": {"fazt_session=" + own}})
	if who := b.who("localhost"); who != "ann@example.com" {
		t.Errorf("logged out from another host: %q", who)
	}
}

// Time passes by making the rows older, so the code under test reads the real
// clock.
func TestExpiry(t *testing.T) {
	tests := []struct {
		name                 string
		unused, age          time.Duration
		want                 string
		touched              bool // last_used is written
		wantGoneAfterSignIns bool
	}{
		{"fresh", 0, 0, "ann@example.com", false, false},
		{"a moment ago", 30 * time.Second, 30 * time.Second, "ann@example.com", false, false},
		{"two minutes ago", 2 * time.Minute, 2 * time.Minute, "ann@example.com", true, false},
		{"before idle", 59 * time.Minute, 2 * time.Hour, "ann@example.com", true, false},
		{"idle", time.Hour, 2 * time.Hour, "nobody", false, false},
		{"before the end", 0, 24*time.Hour - time.Minute, "ann@example.com", false, false},
		{"the end", 0, 24 * time.Hour, "nobody", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, auth.Options{Dev: true, SessionIdle: time.Hour, SessionMax: 24 * time.Hour})
			b := s.browser().still() // at the page, the session would be read, and kept for a moment
			b.devSignIn("ann@example.com", "user")
			s.exec(`UPDATE auth_sessions SET last_used = last_used - ?, expires_at = expires_at - ?`,
				tt.unused.Milliseconds(), tt.age.Milliseconds())
			before := s.column(`SELECT last_used FROM auth_sessions`)
			for range 3 {
				if who := b.who("localhost"); who != tt.want {
					t.Fatalf("the session is %q, want %q", who, tt.want)
				}
			}
			s.Close() // writes what waits
			after := s.column(`SELECT last_used FROM auth_sessions`)
			if touched := !cmp.Equal(before, after); touched != tt.touched {
				t.Errorf("last_used went from %v to %v, want a change: %v", before, after, tt.touched)
			}
			s.browser().devSignIn("bob@example.com", "user")
			left := s.column(`SELECT email FROM auth_sessions JOIN auth_users u ON u.id = user_id WHERE email = 'ann@example.com'`)
			if gone := len(left) == 0; gone != tt.wantGoneAfterSignIns {
				t.Errorf("swept: %v", gone)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	tests := []struct {
		name, host   string
		ownAfter     string
		guestAfter   string
		sessionsLeft int
	}{
		{"of an app", guestbook, "ann@example.com", "nobody", 1},
		{"of the own host", "localhost", "nobody", "nobody", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, auth.Options{Dev: true})
			b := s.browser()
			b.get(b.code())
			page := b.get(s.url(tt.host, "/auth/logout?back=/bye"))
			if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "ann@example.com") {
				t.Fatalf("the page: %d\n%s", page.StatusCode, page.body)
			}
			if who := b.who(tt.host); who != "ann@example.com" {
				t.Fatalf("looking at the page logged out: %q", who)
			}
			got := b.post(s.url(tt.host, "/auth/logout"), page.hidden())
			if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/bye" {
				t.Errorf("%d to %q", got.StatusCode, got.Header.Get("Location"))
			}
			if own, guest := b.who("localhost"), b.who(guestbook); own != tt.ownAfter || guest != tt.guestAfter {
				t.Errorf("own host %q, app %q", own, guest)
			}
			if left := s.column(`SELECT host FROM auth_sessions`); len(left) != tt.sessionsLeft {
				t.Errorf("sessions left: %v", left)
			}
		})
	}
}

// A program asks without Accept and gets JSON.
func TestLogoutJSON(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	b.devSignIn("ann@example.com", "user")
	got := b.do(http.MethodPost, s.url("localhost", "/auth/logout"), nil, http.Header{"Accept": {"*/*"}})
	if d := cmp.Diff(`{"data":{"authenticated":false,"user":null}}`, got.body); d != "" {
		t.Error(d)
	}
	if who := b.who("localhost"); who != "nobody" {
		t.Errorf("still %q", who)
	}
}

// Who signs in again on the own host keeps their apps; another user does not
// get them.
func TestSignInAgain(t *testing.T) {
	for _, tt := range []struct{ email, app string }{
		{"ann@example.com", "ann@example.com"},
		{"bob@example.com", "nobody"},
	} {
		t.Run(tt.email, func(t *testing.T) {
			s := start(t, auth.Options{Dev: true})
			b := s.browser()
			b.get(b.code())
			b.devSignIn(tt.email, "user")
			if own, guest := b.who("localhost"), b.who(guestbook); own != tt.email || guest != tt.app {
				t.Errorf("own host %q, app %q", own, guest)
			}
			b.post(s.url("localhost", "/auth/logout"), nil)
			if who := b.who(guestbook); who != "nobody" {
				t.Errorf("logged out of all, and the app sees %q", who)
			}
		})
	}
}
