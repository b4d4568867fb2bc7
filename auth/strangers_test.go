package auth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage"
)

// countedStore counts the write transactions.
type countedStore struct {
	auth.Store
	writes atomic.Int64
}

func (s *countedStore) Write(ctx context.Context, fn func(storage.SQL) error) error {
	s.writes.Add(1)
	return s.Store.Write(ctx, fn)
}

// A write takes the turn of others', and ends what is known of sessions: nobody has one
// for what they only claim.
func TestStrangersWriteNothing(t *testing.T) {
	store := &countedStore{Store: openStore(t)}
	s := start(t, auth.Options{Store: store, Providers: []auth.Provider{&elsewhere{name: "first"}, &elsewhere{name: "second"}}})
	made := strings.Repeat("a", 52)
	cookies := http.Header{"Cookie": {"fazt_session=" + made + "; fazt_handover=" + made + "; fazt_flow=" + made}}
	before := store.writes.Load()
	for _, r := range []struct{ method, host, path string }{
		{http.MethodGet, "localhost", "/auth/login"},
		{http.MethodGet, "localhost", "/auth/login/first"},
		{http.MethodGet, "localhost", "/auth/callback/first?code=x&state=" + made},
		{http.MethodGet, "localhost", auth.SetupPath(made)},
		{http.MethodPost, "localhost", auth.InvitePath(made)},
		{http.MethodPost, "localhost", "/auth/logout"},
		{http.MethodPost, "localhost", "/auth/continue"},
		{http.MethodPost, "localhost", "/auth/sessions/end"},
		{http.MethodGet, guestbook, "/auth/login"},
		{http.MethodGet, guestbook, "/auth/handover?code=" + made},
		{http.MethodPost, guestbook, "/auth/logout"},
	} {
		s.browser().still().do(r.method, s.url(r.host, r.path), url.Values{"email": {"eve@example.com"}}, cookies)
		if n := store.writes.Load(); n != before {
			t.Errorf("%s %s: %d writes", r.method, r.path, n-before)
			before = n
		}
	}
}

// Who accepts an invite has not been asked to sign in to an app, whatever its link says.
func TestInviteSignsInToNoApp(t *testing.T) {
	s := start(t, auth.Options{})
	link := s.url("localhost", auth.InvitePath(s.invite(auth.RoleUser, 1)))
	app := url.Values{"app": {strings.TrimPrefix(s.url(guestbook, ""), "http://")}, "challenge": {strings.Repeat("a", 64)}}
	if page := s.browser().get(link + "?" + app.Encode()).body; strings.Contains(page, guestbook) {
		t.Errorf("the page goes on to the app:\n%s", page)
	}
	app.Set("email", "ann@example.com")
	app.Set("password", goodPassword)
	if got := s.browser().still().post(link, app); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/" {
		t.Errorf("%d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

// Each code that comes back is asked of the provider in this server's name: who makes
// codes up has few tries, or the provider would refuse everybody.
func TestMadeUpCodesAreFew(t *testing.T) {
	var asked atomic.Int64
	p := &elsewhere{name: "first", identify: func(context.Context) error { asked.Add(1); return nil }}
	p.account("ann", "ann@example.com", true)
	s := start(t, auth.Options{Providers: []auth.Provider{p, &elsewhere{name: "second"}}})
	ann := s.browser().still()
	for range 40 {
		if got := ann.failure(ann.visit("first", "", "ann")); got != "303 See Other" {
			t.Fatal(got)
		}
	}
	asked.Store(0)
	eve := s.browser().still()
	target := eve.visit("first", "", "made up")
	flow := eve.cookie(target, "fazt_flow")
	var last answer
	for tries := 0; tries < 200 && (tries == 0 || last.StatusCode != http.StatusTooManyRequests); tries++ {
		last = s.browser().still().do(http.MethodGet, target, nil, http.Header{"Cookie": {"fazt_flow=" + flow}})
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" {
		t.Errorf("the provider was asked %d times; at last: %d, Retry-After %q", asked.Load(), last.StatusCode, last.Header.Get("Retry-After"))
	}
}

// A set-up link that is in some log is good for nothing once somebody owns the server,
// whichever way they came by it. Users of the dev provider own nothing.
func TestOwnerEndsSetup(t *testing.T) {
	owner := auth.RoleOwner
	for name, become := range map[string]func(s *server) error{
		"by an invite": func(s *server) error {
			s.browser().post(s.url("localhost", auth.InvitePath(s.invite(owner, 1))), url.Values{"email": {"ann@example.com"}, "password": {goodPassword}})
			return nil
		},
		"by somebody who manages users": func(s *server) error {
			s.browser().post(s.url("localhost", auth.InvitePath(s.invite(auth.RoleUser, 1))), url.Values{"email": {"ann@example.com"}, "password": {goodPassword}})
			_, err := s.ChangeUser(t.Context(), "ann@example.com", auth.UserChange{Role: &owner})
			return err
		},
	} {
		s := start(t, auth.Options{Dev: true})
		link := s.url("localhost", auth.SetupPath(s.setupCode()))
		s.browser().devSignIn("dev@example.com", "owner")
		if _, err := s.ChangeUser(t.Context(), "dev@example.com", auth.UserChange{Role: &owner}); err != nil {
			t.Fatal(err)
		}
		if got := s.browser().get(link).StatusCode; got != http.StatusOK {
			t.Errorf("%s: with a dev owner the link answers %d", name, got)
		}
		if err := become(s); err != nil {
			t.Fatal(err)
		}
		if got := s.browser().get(link).StatusCode; got != http.StatusNotFound {
			t.Errorf("%s: the link still answers %d", name, got)
		}
		if got := s.browser().get(s.url("localhost", auth.SetupPath(s.setupCode()))).StatusCode; got != http.StatusOK {
			t.Errorf("%s: a new link answers %d", name, got)
		}
	}
}
