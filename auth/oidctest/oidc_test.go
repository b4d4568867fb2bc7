package oidctest_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

const (
	clientID     = "fazt"
	clientSecret = "a secret & more"
)

// provider is the OpenID Provider on loopback.
type provider struct {
	issuer   string
	redirect string // where it sends browsers back to
	handler  atomic.Value
}

// start makes it anew, with keys and a memory of its own.
func (p *provider) start(t *testing.T) {
	t.Helper()
	store := storage.NewStorageWithClients(storage.NewUserStore(p.issuer), map[string]*storage.Client{
		clientID: storage.WebClient(clientID, clientSecret, p.redirect),
	})
	p.handler.Store(exampleop.SetupServer(p.issuer, store, nil, false))
}

// serve runs a fazt server with an app, and the provider that people sign in by.
func serve(t *testing.T) (*harnesstest.Server, *provider) {
	t.Helper()
	srv := harnesstest.Start(t)
	srv.DeployAs("notes", fstest.MapFS{
		"index.html":  {Data: []byte("<!doctype html><title>Notes</title>")},
		"api/main.js": {Data: []byte("respond(fazt.auth.getUser())")},
	})
	p := &provider{}
	op := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.handler.Load().(http.Handler).ServeHTTP(w, r)
	}))
	t.Cleanup(op.Close)
	p.issuer, p.redirect = op.URL, at(t, srv, "localhost", "/auth/callback/work")
	p.start(t)
	p.set(t, srv, clientSecret)
	return srv, p
}

func (p *provider) set(t *testing.T, srv *harnesstest.Server, secret string) {
	t.Helper()
	_, err := srv.Fazt.SetProvider(t.Context(), "work", api.ProviderConfig{Issuer: p.issuer, ClientID: clientID, ClientSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
}

// at is a path on one of the server's hosts.
func at(t *testing.T, srv *harnesstest.Server, host, path string) string {
	t.Helper()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + host + ":" + u.Port() + path
}

// browser keeps cookies, and finds every name on this machine.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		var d net.Dialer
		return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// read is where an answer came from, its status and its text.
func read(t *testing.T, res *http.Response, err error) (from *url.URL, status int, text string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Request.URL, res.StatusCode, string(b)
}

// signIn goes to a page of the server that leads to the provider, gives a name and
// the password there, and returns where that ends.
func signIn(t *testing.T, b *http.Client, page, name string) (from *url.URL, status int, text string) {
	t.Helper()
	res, err := b.Get(page)
	form, status, text := read(t, res, err)
	if form.Path != "/login/username" || status != http.StatusOK {
		t.Fatalf("led to %s: %d\n%s", form, status, text)
	}
	res, err = b.PostForm(form.Scheme+"://"+form.Host+form.Path, url.Values{
		"id": {form.Query().Get("authRequestID")}, "username": {name}, "password": {"verysecure"},
	})
	return read(t, res, err)
}

// who is the e-mail address and name of the user that an app sees, or "".
func who(t *testing.T, b *http.Client, srv *harnesstest.Server) string {
	t.Helper()
	res, err := b.Get(at(t, srv, "notes.localhost", "/api/me"))
	_, _, text := read(t, res, err)
	if text == "" {
		return "" // null
	}
	var user struct{ ID, Email, Name, Provider string }
	if err := json.Unmarshal([]byte(text), &user); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return strings.TrimSpace(user.Email + " " + user.Name + " " + user.Provider)
}

// The whole flow, from an app's page over the provider and back to it.
func TestSignInToApp(t *testing.T) {
	srv, _ := serve(t)
	page := at(t, srv, "notes.localhost", "/auth/login/work?back=%2F%3Ffrom%3Dthere")
	ann, bob := browser(t), browser(t)
	for range 2 { // the second time it is the same user
		end, status, text := signIn(t, ann, page, "test-user@127.0.0.1")
		if want := at(t, srv, "notes.localhost", "/?from=there"); end.String() != want || status != http.StatusOK {
			t.Fatalf("ended at %s: %d\n%s", end, status, text)
		}
		if d := cmp.Diff("test-user@zitadel.ch Test User work", who(t, ann, srv)); d != "" {
			t.Error(d)
		}
		ann = browser(t)
	}
	signIn(t, bob, page, "test-user2")
	if d := cmp.Diff("test-user2@zitadel.ch Test User2 work", who(t, bob, srv)); d != "" {
		t.Error(d)
	}
	users, total, err := srv.Fazt.Users(t.Context(), 0, 10)
	if err != nil || total != 2 {
		t.Errorf("users: %v, %v", users, err)
	}
}

// A provider that comes back with other keys is known again without a restart.
func TestProviderWithOtherKeys(t *testing.T) {
	srv, p := serve(t)
	page := at(t, srv, "notes.localhost", "/auth/login/work")
	signIn(t, browser(t), page, "test-user@127.0.0.1")
	p.start(t)
	b := browser(t)
	if end, status, text := signIn(t, b, page, "test-user2"); status != http.StatusOK {
		t.Fatalf("ended at %s: %d\n%s", end, status, text)
	}
	if got := who(t, b, srv); got != "test-user2@zitadel.ch Test User2 work" {
		t.Error(got)
	}
}

// A secret that the provider does not take is said to be that.
func TestAnotherSecret(t *testing.T) {
	srv, p := serve(t)
	p.set(t, srv, "another")
	b := browser(t)
	end, status, text := signIn(t, b, at(t, srv, "notes.localhost", "/auth/login/work"), "test-user@127.0.0.1")
	if end.Path != "/auth/callback/work" || status != http.StatusBadGateway {
		t.Errorf("ended at %s: %d\n%s", end, status, text)
	}
	if got := who(t, b, srv); got != "" {
		t.Errorf("signed in as %s", got)
	}
}

// An answer is good once, and in the browser that it was meant for.
func TestReplay(t *testing.T) {
	srv, _ := serve(t)
	b := browser(t)
	var answers []string
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/auth/callback/work" {
			answers = append(answers, r.URL.String())
		}
		return nil
	}
	signIn(t, b, at(t, srv, "localhost", "/auth/login/work"), "test-user@127.0.0.1")
	if len(answers) != 1 {
		t.Fatalf("came back by %v", answers)
	}
	for name, client := range map[string]*http.Client{"the same browser": b, "another": browser(t)} {
		res, err := client.Get(answers[0])
		if _, status, _ := read(t, res, err); status != http.StatusBadRequest {
			t.Errorf("in %s: %d", name, status)
		}
	}
}
