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
