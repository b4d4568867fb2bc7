package harnesstest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
)

// Serve puts a handler of the test's own on a listener until the test ends, and returns
// a stranger who visits it: a service that mounts apps of s.Fazt, with routes of its
// own. [Visitor.As] makes visitors who have signed in there, whom the service's
// middleware knows, and [Visitor.Target] is for the suites. As for [Handler], the listener
// is not what they judge.
func (s *Server) Serve(h http.Handler) *Visitor {
	s.tb.Helper()
	if s.Fazt == nil {
		s.tb.Fatalf("harnesstest: an attached server has no handlers of the test; use Start")
	}
	return Visit(s.tb, &service{site: lend(s.tb, h, "a service around fazt"), fazt: s.Fazt})
}

// service is a handler that knows the visitors of a fazt.
type service struct {
	*site
	fazt *fazt.Server
}

// SignIn implements [SignsIn].
func (s *service) SignIn(ctx context.Context, client *http.Client, origin string, user User) error {
	return signIn(ctx, s.fazt, client, origin, user)
}

// Lacks implements [Lacker].
func (s *service) Lacks(capability string) string {
	if capability == "SignsIn" {
		return ""
	}
	return s.site.Lacks(capability)
}

// As returns a new visitor of the bare host who has signed in, as the management
// API's caller does. [Visitor.SignIn] is the way through the pages.
func (s *Server) As(user User) *Visitor {
	s.tb.Helper()
	return Visit(s.tb, s).as(user)
}

// As returns another visitor of the same app, who has signed in.
func (a *App) As(user User) *App {
	a.tb.Helper()
	return &App{a.Name, a.Visitor.As(user)}
}

// As returns another visitor of the same host, who has signed in. The target must
// be one that [SignsIn].
func (v *Visitor) As(user User) *Visitor {
	v.tb.Helper()
	return v.Another().as(user)
}

// people is the issuer of whom tests sign in, by their e-mail addresses.
const people = "https://people.harnesstest.invalid"

// SignIn implements [SignsIn]. On a server of the test's own it needs no provider
// and works for every host; on one that is attached to, by the pages of the dev
// provider.
func (s *Server) SignIn(ctx context.Context, client *http.Client, origin string, user User) error {
	if s.Fazt == nil {
		return signInByPages(ctx, client, origin, user)
	}
	return signIn(ctx, s.Fazt, client, origin, user)
}

// signIn makes a session by the hands of the server itself.
func signIn(ctx context.Context, srv *fazt.Server, client *http.Client, origin string, user User) error {
	u, err := url.Parse(origin)
	if err != nil {
		return err
	}
	answer := httptest.NewRecorder()
	_, err = srv.Auth().SignIn(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, origin+"/", nil), auth.Identity{
		Issuer: people, Subject: user.Email, Email: user.Email, EmailVerified: true, Name: user.name(), Role: auth.Role(user.role()),
	})
	if err != nil {
		return err
	}
	client.Jar.SetCookies(u, answer.Result().Cookies())
	return nil
}

// Key implements [Keyer].
func (s *Server) Key(tb testing.TB, scopes ...string) string {
	tb.Helper()
	if s.Fazt != nil {
		token, err := s.Fazt.CreateKey(tb.Context(), tb.Name(), scopes...)
		if err != nil {
			tb.Fatalf("harnesstest: %v", err)
		}
		return token
	}
	ask, err := json.Marshal(map[string]any{"name": "harnesstest", "scopes": scopes})
	if err != nil {
		tb.Fatalf("harnesstest: %v", err)
	}
	res, err := s.manage(tb.Context(), http.MethodPost, "/api/keys", "application/json", strings.NewReader(string(ask)))
	if err != nil {
		tb.Fatalf("harnesstest: make a key: %v", err)
	}
	var made struct {
		Data struct{ ID, Token string }
	}
	if err := json.Unmarshal([]byte(res.Body), &made); err != nil || made.Data.Token == "" {
		tb.Fatalf("harnesstest: make a key: %v", res)
	}
	tb.Cleanup(func() {
		res, err := s.manage(context.WithoutCancel(tb.Context()), http.MethodDelete, "/api/keys/"+made.Data.ID, "", nil)
		if err == nil && res.Status != http.StatusOK {
			err = fmt.Errorf("%v", res)
		}
		if err != nil {
			tb.Errorf("harnesstest: revoke a key: %v", err)
		}
	})
	return made.Data.Token
}
