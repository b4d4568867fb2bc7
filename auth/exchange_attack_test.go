package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

func TestReturned(t *testing.T) {
	type visitor struct {
		s *server
		b *browser
	}
	tests := []struct {
		name string
		want string // status and code; "303 See Other" when signed in
		// back returns who brings what back of b's visit at target.
		back func(v visitor, target string) (*browser, string)
	}{
		{"as meant", "303 See Other", func(v visitor, target string) (*browser, string) { return v.b, target }},
		{"in another browser", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			return v.s.browser().still(), target
		}},
		{"in a browser that has a visit of its own", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			eve := v.s.browser()
			eve.visit("first", "", "")
			return eve, target
		}},
		{"to another provider", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "callback/first", "callback/second", 1)
		}},
		{"without state", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "state=", "s=", 1)
		}},
		{"with two states", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) { return v.b, target + "&state=x" }},
		{"with another state", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			return v.b, target[:len(target)-1] + "A"
		}},
		{"with a longer state", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) { return v.b, target + "a" }},
		{"with two codes", "400 ANSWER_INVALID", func(v visitor, target string) (*browser, string) { return v.b, target + "&code=eve" }},
		{"without a code", "400 ANSWER_INVALID", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=", "c=", 1)
		}},
		{"with a code of control characters", "400 ANSWER_INVALID", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=", "code=%00", 1)
		}},
		{"with a code of 5,000 bytes", "400 ANSWER_INVALID", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=", "code="+strings.Repeat("a", 5000), 1)
		}},
		{"with a code that the provider does not know", "502 PROVIDER_FAILED", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=ann", "code=bob", 1)
		}},
		{"with a cookie that was changed", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			sealed := []byte(v.b.cookie(target, "fazt_flow"))
			sealed[len(sealed)/2] ^= 1
			return v.s.browser().still().with("fazt_flow", string(sealed)), target
		}},
		{"with two cookies, one planted", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			eve := v.s.browser()
			mine := eve.visit("first", "", "")
			sealed := eve.cookie(mine, "fazt_flow")
			return v.b.with("fazt_flow", sealed), mine
		}},
		{"a second time", "400 STATE_INVALID", func(v visitor, target string) (*browser, string) {
			v.b.get(target)
			return v.b, target
		}},
		{"a second time, with the cookie", "400 STATE_USED", func(v visitor, target string) (*browser, string) {
			sealed := v.b.cookie(target, "fazt_flow")
			v.b.get(target)
			return v.s.browser().still().with("fazt_flow", sealed), target
		}},
		{"with no", "403 PROVIDER_DENIED", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=ann", "error=access_denied", 1)
		}},
		{"with a failure there", "503 PROVIDER_UNAVAILABLE", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=ann", "error=server_error", 1)
		}},
		{"with a request that is refused", "502 PROVIDER_REFUSED", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=ann", "error=invalid_scope", 1)
		}},
		{"with an unknown error", "502 PROVIDER_REFUSED", func(v visitor, target string) (*browser, string) {
			return v.b, strings.Replace(target, "code=ann", "error=%3Cscript%3E", 1)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &elsewhere{name: "first"}
			p.account("ann", "ann@example.com", true)
			p.account("eve", "eve@example.com", true)
			s := start(t, auth.Options{Providers: []auth.Provider{p, &elsewhere{name: "second"}}})
			b := s.browser().still()
			who, target := tt.back(visitor{s, b}, b.visit("first", "", "ann"))
			before := len(s.column(`SELECT id FROM auth_sessions`))
			if got := who.failure(target); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if after := len(s.column(`SELECT id FROM auth_sessions`)); (after > before) != (tt.want[:3] == "303") {
				t.Errorf("sessions: %d, then %d", before, after)
			}
		})
	}
}

// The page of a failed sign-in says nothing that came with the request, and leads
// back to where the visitor can choose.
func TestFailurePage(t *testing.T) {
	s := start(t, auth.Options{Providers: []auth.Provider{&elsewhere{name: "only"}}})
	b := s.browser().still()
	target := b.visit("only", "?back=%2Fthere", "x")
	page := b.get(strings.Replace(target, "code=x", "error=access_denied&error_description=%3Cb%3Eevil%3C%2Fb%3E&error_uri=https%3A%2F%2Fevil.example", 1))
	if strings.Contains(page.body, "evil") || page.StatusCode != http.StatusForbidden {
		t.Errorf("%d\n%s", page.StatusCode, page.body)
	}
	if !strings.Contains(page.body, `href="/auth/login?back=%2Fthere&amp;choose=1"`) {
		t.Errorf("no way back:\n%s", page.body)
	}
}

// A provider that hangs is given up, with an answer that says so.
func TestProviderThatHangs(t *testing.T) {
	p := &elsewhere{name: "slow", identify: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
	s := start(t, auth.Options{Providers: []auth.Provider{p}, ProviderTimeout: time.Millisecond})
	b := s.browser().still()
	if got := b.failure(b.visit("slow", "", "x")); got != "504 PROVIDER_TIMEOUT" {
		t.Error(got)
	}
}

// Where a sign-in by a provider ends is on this server, whatever it was asked to be.
func TestNoOpenRedirectByProvider(t *testing.T) {
	p := &elsewhere{name: "first"}
	p.account("ann", "ann@example.com", true)
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	for _, back := range []string{
		"//evil.example", `/\evil.example`, "https://evil.example/", "http://localhost.evil.example/", "http://localhost@evil.example/",
		"javascript:alert(1)", "/\t/evil.example", "data:text/html,x", "http://localhost:1/", "\x00/",
	} {
		for _, name := range []string{"back", "redirect"} {
			b := s.browser().still()
			if to := b.signInBy("first", "?"+name+"="+url.QueryEscape(back), "ann").Header.Get("Location"); to != "/" {
				t.Errorf("%s=%q leads to %q", name, back, to)
			}
			if to := s.browser().still().get(s.url(guestbook, "/auth/login/first?"+name+"="+url.QueryEscape(back))).Header.Get("Location"); strings.Contains(to, "evil") {
				t.Errorf("an app's %s=%q leads to %q", name, back, to)
			}
		}
	}
	// A host that is not the server's is none to come back to.
	for _, app := range []string{"evil.example", "localhost", "guestbook.localhost:1", ""} {
		res := s.browser().still().get(s.url("localhost", "/auth/login/first?app="+url.QueryEscape(app)+"&challenge="+strings.Repeat("0", 64)))
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("the app %q: %d to %q", app, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// A provider that hangs holds up neither another one nor the sign-in page.
func TestProviderThatHangsHoldsNobody(t *testing.T) {
	hung := make(chan struct{})
	slow := &elsewhere{name: "slow", identify: func(ctx context.Context) error { close(hung); <-ctx.Done(); return ctx.Err() }}
	fast := &elsewhere{name: "fast"}
	fast.account("ann", "ann@example.com", true)
	s := start(t, auth.Options{Providers: []auth.Provider{slow, fast}})
	waiting, other := s.browser(), s.browser().still()
	ctx, giveUp := context.WithCancel(t.Context())
	target := waiting.visit("slow", "", "x")
	left := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err == nil {
			_, err = waiting.Do(r)
		}
		left <- err
	}()
	<-hung
	if got := other.get(s.url("localhost", "/auth/login")).StatusCode; got != http.StatusOK {
		t.Errorf("the page: %d", got)
	}
	if got := other.failure(other.visit("fast", "", "ann")); got != isSignedIn {
		t.Errorf("another provider: %s", got)
	}
	giveUp() // and a visitor who goes ends the waiting at once
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who waited: %v", err)
	}
}

// An invite and a set-up link are redeemed by a provider, once, and by nobody else's
// failure.
func TestCodesByProvider(t *testing.T) {
	p := &elsewhere{name: "first"}
	for _, who := range []string{"ann", "bob", "eve"} {
		p.account(who, who+"@example.com", true)
	}
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	setup, invite := s.setupCode(), s.invite(auth.RoleAdmin, 1)
	page := s.browser().get(s.url("localhost", auth.SetupPath(setup)))
	if !strings.Contains(page.body, `href="/auth/login/first?invite=`+setup+`"`) {
		t.Errorf("the set-up page has no button:\n%s", page.body)
	}
	by := func(code, who string) string {
		t.Helper()
		b := s.browser().still()
		return b.failure(b.visit("first", "?invite="+code, who))
	}
	got := []string{by(setup, "none"), by(setup, "ann"), by(setup, "eve"), by(invite, "bob"), by(invite, "eve"), by(strings.Repeat("a", 52), "eve")}
	want := []string{"502 PROVIDER_FAILED", isSignedIn, "410 INVITE_INVALID", isSignedIn, "410 INVITE_INVALID", "410 INVITE_INVALID"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ann@example.com ann owner first 1", "bob@example.com bob admin first 1"}, s.users()); d != "" {
		t.Error(d)
	}
}
