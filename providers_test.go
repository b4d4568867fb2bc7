package fazt_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
)

// Providers over HTTP: who may do what, by session and by key, and that no answer has
// a secret.
func TestProvidersOverHTTP(t *testing.T) {
	srv := harnesstest.Start(t)
	for _, role := range []string{"owner", "admin", "user"} {
		join(t, srv, role+"@example.com", role)
	}
	owner, admin, user := signedIn(t, srv, "owner@example.com"), signedIn(t, srv, "admin@example.com"), signedIn(t, srv, "user@example.com")
	nobody, reader, local := operate(t, srv), operate(t, srv), operate(t, srv)
	var err error
	if reader.key, err = srv.Fazt.CreateKey(t.Context(), "reader", "read"); err != nil {
		t.Fatal(err)
	}
	if local.key, err = srv.Fazt.CreateKey(t.Context(), "local", "admin"); err != nil {
		t.Fatal(err)
	}
	const config = `{"issuer":"https://id.example.com","client_id":"fazt","client_secret":"hush"}`
	for _, tt := range []struct {
		by                 *operator
		method, path, body string
		status             int
		want               string // the code, or part of the data
	}{
		{nobody, "GET", "", "", 401, "UNAUTHORIZED"},
		{user, "GET", "", "", 403, "FORBIDDEN"},
		{admin, "GET", "", "", 200, "[]"},
		{nobody, "PUT", "/work", config, 401, "UNAUTHORIZED"},
		{user, "PUT", "/work", config, 403, "FORBIDDEN"},
		{admin, "PUT", "/work", config, 403, "FORBIDDEN"},
		{reader, "PUT", "/work", config, 403, "FORBIDDEN"},
		{owner, "PUT", "/work", config, 200, `"redirect_path":"/auth/callback/work"`},
		{local, "PUT", "/work", `{"enabled":false}`, 200, `"enabled":false`},
		{owner, "PUT", "/work", `{"issuer":"https://evil.example"}`, 400, "INVALID"},
		{owner, "PUT", "/work", `{"secret":"x"}`, 400, "INVALID_JSON"},
		{owner, "PUT", "/work", `{"client_id":1}`, 400, "INVALID_JSON"},
		{owner, "PUT", "/work", ``, 415, "INVALID"},
		{owner, "PUT", "/A%2FB", config, 400, "INVALID"},
		{owner, "PUT", "/dev", config, 400, "INVALID"},
		{owner, "POST", "/work", config, 405, "METHOD_NOT_ALLOWED"},
		{reader, "GET", "", "", 200, `"name":"work"`},
		{admin, "DELETE", "/work", "", 403, "FORBIDDEN"},
		{owner, "DELETE", "/work", "", 200, `{"removed":"work"}`},
		{owner, "DELETE", "/work", "", 404, "NOT_FOUND"},
	} {
		status, got, _ := tt.by.ask(tt.method, "/api/auth/providers"+tt.path, tt.body)
		if status != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", tt.method, tt.path, tt.body, status, got, tt.status, tt.want)
		}
		if strings.Contains(got, "hush") {
			t.Errorf("%s %s has the secret: %s", tt.method, tt.path, got)
		}
	}
}

// The same by a Server and by a Client.
func TestProvidersByBothServices(t *testing.T) {
	srv := harnesstest.Start(t)
	key, err := srv.Fazt.CreateKey(t.Context(), "local", "admin")
	if err != nil {
		t.Fatal(err)
	}
	client := &api.Client{URL: srv.URL, Token: key, HTTP: srv.Client()}
	for name, s := range map[string]api.Service{"server": srv.Fazt, "client": client} {
		p, err := s.SetProvider(t.Context(), "google", api.ProviderConfig{ClientID: "x", ClientSecret: "y"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := api.Provider{Name: "google", Label: "Google", Issuer: "https://accounts.google.com", ClientID: "x", Enabled: true, RedirectPath: "/auth/callback/google"}
		list, err := s.Providers(t.Context())
		if d := cmp.Diff([]api.Provider{want}, list); d != "" || err != nil || *p != want {
			t.Errorf("%s: %v %v\n%s", name, p, err, d)
		}
		if err := s.RemoveProvider(t.Context(), "google"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.RemoveProvider(t.Context(), "google"); err == nil {
			t.Errorf("%s: removed twice", name)
		}
	}
}

// A provider of the program's own signs a visitor in to an app, whose code knows
// nothing of providers.
func TestProviderOfTheProgram(t *testing.T) {
	issuer := harnesstest.StartIssuer(t)
	p, err := auth.NewProvider("company", api.ProviderConfig{Issuer: issuer.URL, ClientID: issuer.ClientID, ClientSecret: issuer.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Providers, o.Dev = []auth.Provider{p}, false })
	app := srv.Deploy(files("api/main.js", `respond(fazt.auth.getUser())`))
	client := srv.Client()
	toApp := client.Transport
	client.Transport = byHost(func(r *http.Request) (*http.Response, error) {
		if "http://"+r.URL.Host == issuer.URL {
			return http.DefaultTransport.RoundTrip(r)
		}
		return toApp.RoundTrip(r)
	})
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	res, err := client.Get(app.URL + "/auth/login?redirect=%2Fapi%2Fme")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var user struct{ Email, Name, Role, Provider string }
	if err := json.NewDecoder(res.Body).Decode(&user); err != nil {
		t.Fatalf("%s: %v", res.Request.URL, err)
	}
	want := struct{ Email, Name, Role, Provider string }{"ann@example.com", "Ann", "user", "company"}
	if d := cmp.Diff(want, user); d != "" || res.Request.URL.String() != app.URL+"/api/me" {
		t.Errorf("%s\n%s", res.Request.URL, d)
	}
}

type byHost func(*http.Request) (*http.Response, error)

func (f byHost) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
