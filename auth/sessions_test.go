package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/google/go-cmp/cmp"
)

// requestOf is a request with the session of a user of the dev provider.
func requestOf(t testing.TB, a *auth.Auth, email string) *http.Request {
	t.Helper()
	in := localRequest(http.MethodPost, "localhost:8080", "/auth/dev/callback?email="+email+"&role=user")
	in.PostForm = in.URL.Query()
	in.Form = in.PostForm
	w := respond(a, in)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("no session: %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "localhost:8080"
	r.AddCookie(cookies[0])
	return r
}

// emailOf is who a takes r's sender for.
func emailOf(t testing.TB, a *auth.Auth, r *http.Request) string {
	t.Helper()
	u, err := a.User(r)
	if err != nil {
		t.Fatal(err)
	}
	if u == nil {
		return "nobody"
	}
	return u.Email
}

// A session that one process ends is refused there at once, and by others on the
// data within a second. The time is virtual.
func TestRevokedEverywhere(t *testing.T) {
	ends := map[string]func(t *testing.T, a *auth.Auth, r *http.Request, s auth.Session){
		"logged out": func(t *testing.T, a *auth.Auth, r *http.Request, _ auth.Session) {
			out := localRequest(http.MethodPost, r.Host, "/auth/logout")
			out.Header["Cookie"] = r.Header["Cookie"]
			if w := respond(a, out); w.Code != http.StatusSeeOther {
				t.Fatal(w.Code, w.Body)
			}
		},
		"ended by its id": func(t *testing.T, a *auth.Auth, _ *http.Request, s auth.Session) {
			if err := a.EndSession(t.Context(), s.UserID, s.ID); err != nil {
				t.Fatal(err)
			}
		},
		"ended with all others": func(t *testing.T, a *auth.Auth, _ *http.Request, s auth.Session) {
			if err := a.EndOtherSessions(t.Context(), s.UserID, ""); err != nil {
				t.Fatal(err)
			}
		},
		"by a change of role": func(t *testing.T, a *auth.Auth, _ *http.Request, s auth.Session) {
			in := localRequest(http.MethodPost, "127.0.0.1:8080", "/auth/dev/callback?email="+s.Email+"&role=admin")
			in.Host = "localhost:8080"
			in.PostForm = in.URL.Query()
			in.Form = in.PostForm
			if w := respond(a, in); w.Code != http.StatusSeeOther {
				t.Fatal(w.Code, w.Body)
			}
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer store.Close()
				var servers [2]*auth.Auth
				for i := range servers {
					if servers[i], err = auth.New(t.Context(), auth.Options{Store: store, Dev: true}); err != nil {
						t.Fatal(err)
					}
					defer servers[i].Close()
				}
				here, there := servers[0], servers[1]
				r := requestOf(t, here, "ann@example.com")
				for _, a := range servers {
					if who := emailOf(t, a, r); who != "ann@example.com" {
						t.Fatalf("signed in as %q", who)
					}
				}
				list, err := here.Sessions(t.Context(), "")
				if err != nil || len(list) != 1 {
					t.Fatal(list, err)
				}
				end(t, here, r, list[0])
				if who := emailOf(t, here, r); who != "nobody" {
					t.Errorf("at once, the same server sees %q", who)
				}
				time.Sleep(time.Second)
				if who := emailOf(t, there, r); who != "nobody" {
					t.Errorf("a second later, the other server sees %q", who)
				}
			})
		})
	}
}

func TestSessions(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	ann, bob := s.browser(), s.browser()
	ann.get(ann.code()) // on the own host and on the guestbook's
	bob.devSignIn("bob@example.com", "user")
	other := s.browser()
	other.do(http.MethodPost, s.url("localhost", "/auth/dev/callback"), map[string][]string{"email": {"ann@example.com"}, "role": {"user"}},
		http.Header{"User-Agent": {"Phone/1.0"}})

	user, err := s.Lookup(t.Context(), "ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Email, Host, Addr, Agent string
		App                      bool
	}
	list := func(userID string) (rows map[row]string) {
		t.Helper()
		sessions, err := s.Sessions(t.Context(), userID)
		if err != nil {
			t.Fatal(err)
		}
		rows = map[row]string{}
		for _, s := range sessions {
			rows[row{s.Email, s.Host, s.Addr, s.Agent, s.App}] = s.ID
			if s.ID == "" || s.CreatedAt.IsZero() || s.LastUsed.Before(s.CreatedAt) || !s.ExpiresAt.After(s.LastUsed) {
				t.Errorf("session %+v", s)
			}
		}
		return rows
	}
	const client = "Go-http-client/1.1"
	var (
		own   = row{"ann@example.com", "localhost", "127.0.0.1", client, false}
		app   = row{"ann@example.com", guestbook, "127.0.0.1", client, true}
		phone = row{"ann@example.com", "localhost", "127.0.0.1", "Phone/1.0", false}
		bobs  = row{"bob@example.com", "localhost", "127.0.0.1", client, false}
	)
	keys := func(rows map[row]string, want ...row) {
		t.Helper()
		wanted := map[row]string{}
		for _, r := range want {
			wanted[r] = rows[r]
		}
		if d := cmp.Diff(wanted, rows); d != "" {
			t.Error(d)
		}
	}
	all := list("")
	keys(all, own, app, phone, bobs)
	keys(list(user.ID), own, app, phone)

	if err := s.EndSession(t.Context(), user.ID, all[bobs]); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("ending another's session: %v", err)
	}
	if err := s.EndSession(t.Context(), user.ID, ""); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("ending no session: %v", err)
	}
	if err := s.EndOtherSessions(t.Context(), user.ID, all[own]); err != nil {
		t.Error(err)
	}
	keys(list(""), own, app, bobs)
	if err := s.EndSession(t.Context(), user.ID, all[own]); err != nil {
		t.Error(err)
	}
	keys(list(""), bobs) // the app's ended with the one that it came from
	if err := s.EndSession(t.Context(), "", all[bobs]); err != nil {
		t.Error(err)
	}
	keys(list(""))
}

// An admin ends the sessions of users and their own, and not an owner's.
func TestEndSessionOfOwner(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	for email, role := range map[string]string{"ann@example.com": "owner", "bob@example.com": "admin", "eve@example.com": "user"} {
		s.browser().devSignIn(email, role)
	}
	end := func(actor, of string) auth.Code {
		t.Helper()
		user, err := s.Lookup(t.Context(), actor)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Sessions(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		ctx := api.WithActor(t.Context(), api.Actor{Kind: api.ActorUser, ID: user.ID, Name: actor})
		for _, session := range list {
			if session.Email == of {
				return auth.CodeOf(s.EndSession(ctx, "", session.ID))
			}
		}
		t.Fatalf("%s has no session", of)
		return ""
	}
	got := []auth.Code{
		end("eve@example.com", "bob@example.com"), end("bob@example.com", "ann@example.com"), end("bob@example.com", "eve@example.com"),
		end("ann@example.com", "ann@example.com"), end("bob@example.com", "bob@example.com"),
	}
	if d := cmp.Diff([]auth.Code{auth.CodeForbidden, auth.CodeForbidden, "", "", ""}, got); d != "" {
		t.Error(d)
	}
}
