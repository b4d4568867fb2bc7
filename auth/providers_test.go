package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/google/go-cmp/cmp"
)

func TestProvidersInTheData(t *testing.T) {
	i := harnesstest.StartIssuer(t)
	store := openStore(t)
	s := start(t, auth.Options{Store: store, Providers: []auth.Provider{&elsewhere{name: "own"}}})
	b := s.browser().still()
	if got := b.get(s.url("localhost", "/auth/login/idp")).StatusCode; got != http.StatusNotFound {
		t.Errorf("before it is there: %d", got)
	}
	p, err := s.SetProvider(t.Context(), "idp", api.ProviderConfig{Issuer: i.URL, ClientID: i.ClientID, ClientSecret: i.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	want := api.Provider{Name: "idp", Label: "Idp", Issuer: i.URL, ClientID: "fazt", Enabled: true, RedirectPath: "/auth/callback/idp"}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	if got := s.browser().outcome(""); got != isSignedIn {
		t.Fatalf("signing in by it: %s", got)
	}

	off := false
	if _, err := s.SetProvider(t.Context(), "idp", api.ProviderConfig{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	if got := b.get(s.url("localhost", "/auth/login/idp")).StatusCode; got != http.StatusNotFound {
		t.Errorf("switched off: %d", got)
	}
	on := true
	if _, err := s.SetProvider(t.Context(), "idp", api.ProviderConfig{Enabled: &on}); err != nil {
		t.Fatal(err)
	}
	if got := s.browser().outcome(""); got != isSignedIn {
		t.Errorf("switched on again, by the secret that it had: %s", got)
	}
	if n := i.Count(harnesstest.IssuerMetadata); n != 1 {
		t.Errorf("the issuer was asked for its metadata %d times by one client", n)
	}
	if _, err := s.SetProvider(t.Context(), "idp", api.ProviderConfig{ClientSecret: "another"}); err != nil {
		t.Fatal(err)
	}
	if got := s.browser().outcome(""); got != "502 PROVIDER_CLIENT" {
		t.Errorf("by another secret: %s", got)
	}

	list, err := s.Providers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := api.Provider{Name: "own", Label: "OWN", Enabled: true, Fixed: true, RedirectPath: "/auth/callback/own"}
	if d := cmp.Diff([]api.Provider{want, own}, list); d != "" {
		t.Error(d)
	}
	table, err := store.Query(t.Context(), `SELECT client_secret FROM auth_providers`, 10)
	if err != nil || len(table.Rows) != 1 || table.Rows[0][0] != nil {
		t.Errorf("an operator's query sees %v, %v", table, err)
	}

	if err := s.RemoveProvider(t.Context(), "idp"); err != nil {
		t.Fatal(err)
	}
	if got := b.get(s.url("localhost", "/auth/login/idp")).StatusCode; got != http.StatusNotFound {
		t.Errorf("removed: %d", got)
	}
	var changes []string
	for _, e := range audit(t, store) {
		if strings.HasPrefix(e.Action, "provider.") {
			changes = append(changes, e.Action+" "+e.Target+" "+e.Details)
		}
	}
	state := func(enabled, secret string) string {
		return `provider.set idp {"issuer":"` + i.URL + `","client_id":"fazt","enabled":` + enabled + `,"new_secret":` + secret + `}`
	}
	if d := cmp.Diff([]string{state("true", "true"), state("false", "false"), state("true", "false"), state("true", "true"), "provider.remove idp {}"}, changes); d != "" {
		t.Error(d)
	}
}

func TestSetProviderRefuses(t *testing.T) {
	s := start(t, auth.Options{Providers: []auth.Provider{&elsewhere{name: "own"}}})
	owner, admin := s.person("owner@example.com", auth.RoleOwner), s.person("admin@example.com", auth.RoleAdmin)
	good := api.ProviderConfig{Issuer: "https://id.example.com", ClientID: "fazt", ClientSecret: "hush"}
	if _, err := s.SetProvider(s.as(owner), "work", good); err != nil {
		t.Fatal(err)
	}
	set := func(by, name string, c api.ProviderConfig) error {
		_, err := s.SetProvider(s.as(by), name, c)
		return err
	}
	for what, tt := range map[string]struct {
		err  error
		want auth.Code
	}{
		"an admin sets":               {set(admin, "google", good), auth.CodeForbidden},
		"an admin changes":            {set(admin, "work", api.ProviderConfig{ClientID: "x"}), auth.CodeForbidden},
		"an admin removes":            {s.RemoveProvider(s.as(admin), "work"), auth.CodeForbidden},
		"nobody sets":                 {set("none", "google", good), auth.CodeForbidden},
		"one of the program":          {set(owner, "own", good), auth.CodeConflict},
		"one that is not there":       {s.RemoveProvider(s.as(owner), "none"), auth.CodeNotFound},
		"without a client":            {set(owner, "google", api.ProviderConfig{}), auth.CodeInvalid},
		"without an issuer":           {set(owner, "other", api.ProviderConfig{ClientID: "x"}), auth.CodeInvalid},
		"a bad name":                  {set(owner, "A/B", good), auth.CodeInvalid},
		"a reserved name":             {set(owner, "dev", good), auth.CodeInvalid},
		"a bad issuer":                {set(owner, "work", api.ProviderConfig{Issuer: "nonsense", ClientID: "x", ClientSecret: "y"}), auth.CodeInvalid},
		"the secret for another site": {set(owner, "work", api.ProviderConfig{Issuer: "https://evil.example"}), auth.CodeInvalid},
	} {
		if auth.CodeOf(tt.err) != tt.want {
			t.Errorf("%s: %v, want %s", what, tt.err, tt.want)
		}
		if tt.err != nil && strings.Contains(tt.err.Error(), "hush") {
			t.Errorf("%s: %v", what, tt.err)
		}
	}
	if rows := s.column(`SELECT name || ' ' || issuer || ' ' || client_id || ' ' || client_secret FROM auth_providers`); len(rows) != 1 || rows[0] != "work https://id.example.com fazt hush" {
		t.Errorf("the data has %v", rows)
	}
}

// What another process changes is seen within a second.
func TestProvidersOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t)
		here, there := newAuth(t, &auth.Options{Store: store}), newAuth(t, &auth.Options{Store: store})
		names := func() (list []string) {
			t.Helper()
			all, err := here.Providers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range all {
				list = append(list, p.Name)
			}
			return list
		}
		var got [][]string
		got = append(got, names())
		if _, err := there.SetProvider(t.Context(), "google", api.ProviderConfig{ClientID: "x", ClientSecret: "y"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		got = append(got, names())
		if err := there.RemoveProvider(t.Context(), "google"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		got = append(got, names())
		if d := cmp.Diff([][]string{nil, {"google"}, nil}, got); d != "" {
			t.Error(d)
		}
	})
}

// With passwords there is a choice, so one provider does not go straight on.
func TestStraightOnNotWithPasswords(t *testing.T) {
	p := &elsewhere{name: "only"}
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	s.person("ann@example.com", auth.RoleUser)
	if got := s.browser().still().get(s.url("localhost", "/auth/login")); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "Continue with ONLY") {
		t.Errorf("%d\n%s", got.StatusCode, got.body)
	}
}

// Who tries to be somebody and is refused is in the audit log, once a minute; what
// anybody can send is not.
func TestRefusedSignInIsAudited(t *testing.T) {
	store := openStore(t)
	p := &elsewhere{name: "first"}
	s := start(t, auth.Options{Store: store, Providers: []auth.Provider{p}})
	p.set("x", auth.Identity{Subject: "1", Role: "root"})
	b := s.browser().still()
	b.failure(s.url("localhost", "/auth/callback/first?state=x&code=x"))
	b.failure(strings.Replace(b.visit("first", "", "x"), "code=x", "error=access_denied", 1))
	for range 3 {
		if got := b.failure(b.visit("first", "", "x")); got != "502 IDENTITY_INVALID" {
			t.Fatal(got)
		}
	}
	if err := s.Close(); err != nil { // writes what was counted
		t.Fatal(err)
	}
	want := []entry{
		{api.Actor{Kind: api.ActorUser, Addr: "127.0.0.1"}, "user.sign_in_failed", "", `{"provider":"first","count":1}`},
		{api.Actor{Kind: api.ActorUser, Addr: "127.0.0.1"}, "user.sign_in_failed", "", `{"provider":"first","count":2}`},
	}
	if d := cmp.Diff(want, audit(t, store)); d != "" {
		t.Error(d)
	}
}
