package fazt_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/internal/teststore"
	"github.com/fazt-sh/fazt/storage"
)

// servers starts some on the same data, as they are behind a load balancer.
func servers(t *testing.T, n int) []*fazt.Server {
	t.Helper()
	data := teststore.New(t)
	key := t.TempDir() + "/key"
	all := make([]*fazt.Server, n)
	for i := range all {
		store := data.Open(t, storage.Quotas{})
		all[i] = open(t, func(o *fazt.Options) { o.DataFile, o.Store, o.KeyFile = "", store, key })
	}
	return all
}

// session signs somebody in on the own host of a server, and returns the cookies.
func session(t *testing.T, srv *fazt.Server, email string) []*http.Cookie {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "http://localhost/", nil)
	id := auth.Identity{Issuer: "https://people.example", Subject: email, Email: email, EmailVerified: true}
	if _, err := srv.Auth().SignIn(w, r, id); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()
}

// roleOf asks a server who somebody is: their role, or "" for nobody.
func roleOf(t *testing.T, srv *fazt.Server, cookies []*http.Cookie) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	u, err := srv.Auth().User(r)
	if err != nil {
		t.Fatal(err)
	}
	if u == nil {
		return ""
	}
	return string(u.Role)
}

// TestServersShareSessions: a session that is made on one server is good on all. What ends
// or changes it on one is seen by all a second later, which is how long they may believe
// what they have read.
func TestServersShareSessions(t *testing.T) {
	all := servers(t, 3)
	roles := func(cookies []*http.Cookie) (roles []string) {
		t.Helper()
		for _, srv := range all {
			roles = append(roles, roleOf(t, srv, cookies))
		}
		return roles
	}
	owner := session(t, all[0], "own@example.com")
	if _, err := all[0].ChangeUser(t.Context(), "own@example.com", api.UserChange{Role: new("owner")}); err != nil {
		t.Fatal(err)
	}
	people := make([][]*http.Cookie, 4)
	for i := range people {
		people[i] = session(t, all[i%3], fmt.Sprintf("user%d@example.com", i))
		if diff := cmp.Diff([]string{"user", "user", "user"}, roles(people[i])); diff != "" {
			t.Errorf("the session made on server %d (-want +got):\n%s", i%3, diff)
		}
	}
	if got := roleOf(t, all[2], owner); got != "" { // another role ends one's sessions
		t.Errorf("the session from before is good for %q", got)
	}
	list, err := all[1].Sessions(t.Context(), "user0@example.com")
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	for what, err := range map[string]error{
		"end":    all[1].EndSession(t.Context(), list[0].ID),
		"remove": all[2].RemoveUser(t.Context(), "user1@example.com"),
		"promote": func() error {
			_, err := all[0].ChangeUser(t.Context(), "user2@example.com", api.UserChange{Role: new("admin")})
			return err
		}(),
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	time.Sleep(time.Second)
	for i, want := range []string{"", "", "", "user"} {
		if diff := cmp.Diff([]string{want, want, want}, roles(people[i])); diff != "" {
			t.Errorf("user%d a second later (-want +got):\n%s", i, diff)
		}
	}
}

// TestServersShareKeys: so it is with API keys.
func TestServersShareKeys(t *testing.T) {
	all := servers(t, 3)
	token, err := all[0].CreateKey(t.Context(), "test", "admin")
	if err != nil {
		t.Fatal(err)
	}
	codes := func() (codes []int) {
		for _, srv := range all {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://localhost/api/apps", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			srv.ServeHTTP(w, r)
			codes = append(codes, w.Code)
		}
		return codes
	}
	if diff := cmp.Diff([]int{200, 200, 200}, codes()); diff != "" {
		t.Errorf("a new key (-want +got):\n%s", diff)
	}
	keys, err := all[1].Keys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if err := all[1].RevokeKey(t.Context(), keys[0].ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if diff := cmp.Diff([]int{401, 401, 401}, codes()); diff != "" {
		t.Errorf("a second after it was revoked (-want +got):\n%s", diff)
	}
}

// TestServersShareApps: what is deployed, linked or set on one server is what all answer
// with, as soon as they have seen that something has changed.
func TestServersShareApps(t *testing.T) {
	all := servers(t, 3)
	everywhere := func(what, url, want string) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for i, srv := range all {
			for got := ""; ; {
				if got = get(srv, url); got == want {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s: server %d answers %q, want %q", what, i, got, want)
				}
				<-time.After(10 * time.Millisecond)
			}
		}
	}
	handler := "respond(fazt.env.get('NAME', 'nobody'))"
	for v := range 4 {
		deploy(t, all[v%3], "shop", files("index.html", fmt.Sprint("version ", v), "api/main.js", handler))
		everywhere("a deploy", "http://shop.localhost/", fmt.Sprint("200 version ", v))
	}
	everywhere("no variable", "http://shop.localhost/api", "200 nobody")
	for i, srv := range all {
		name := strings.Repeat("x", i+1)
		if err := srv.SetEnv(t.Context(), "shop", map[string]string{"NAME": name}); err != nil {
			t.Fatal(err)
		}
		everywhere("a variable", "http://shop.localhost/api", "200 "+name)
	}
	if _, err := all[1].SetAlias(t.Context(), api.Alias{Label: "www2", Type: api.AliasApp, Targets: []api.AliasTarget{{App: "shop"}}}); err != nil {
		t.Fatal(err)
	}
	everywhere("an alias", "http://www2.localhost/", "200 version 3")
	if _, err := all[2].Rollback(t.Context(), "shop", 1); err != nil {
		t.Fatal(err)
	}
	everywhere("a rollback", "http://www2.localhost/", "200 version 0")
	if err := all[0].RemoveAlias(t.Context(), "www2"); err != nil {
		t.Fatal(err)
	}
	for i, srv := range all {
		deadline := time.Now().Add(time.Minute)
		for !strings.HasPrefix(get(srv, "http://www2.localhost/"), "404") {
			if time.Now().After(deadline) {
				t.Fatalf("server %d still has the alias", i)
			}
			<-time.After(10 * time.Millisecond)
		}
	}
}
