package api_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// People, keys and invites are the same by a server and by a client of it.
func TestPeopleOfBothServices(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(fstest.MapFS{"index.html": {Data: []byte("hello")}})
	app.SignIn("ann@example.com", "Ann", "user")
	token, err := srv.Fazt.CreateKey(t.Context(), "test", "admin")
	if err != nil {
		t.Fatal(err)
	}
	client := &api.Client{URL: srv.URL, Token: token, HTTP: srv.Client()}
	ctx := t.Context()
	both := func(what string, ask func(api.Service) (any, error)) any {
		t.Helper()
		a, err := ask(srv.Fazt)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		b, err := ask(client)
		if err != nil {
			t.Fatalf("%s by the client: %v", what, err)
		}
		ignored := cmpopts.IgnoreFields(api.Key{}, "LastUsed") // the client's own
		if d := cmp.Diff(a, b, ignored); d != "" {
			t.Errorf("%s differs (-server +client):\n%s", what, d)
		}
		return b
	}
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}

	name, role := "Ann B", "admin"
	changed, err := client.ChangeUser(ctx, "ann@example.com", api.UserChange{Name: &name, Role: &role})
	do("change", err)
	if changed.Name != name || changed.Role != role {
		t.Errorf("changed to %+v", changed)
	}
	do("role", client.SetAppRole(ctx, app.Name, "ann@example.com", "editor"))
	do("role", client.SetAppRole(ctx, app.Name, changed.ID, "author"))
	do("role", client.RemoveAppRole(ctx, app.Name, changed.ID, "author"))
	u := both("a user", func(s api.Service) (any, error) { return s.User(ctx, "ann@example.com") }).(*api.User)
	if len(u.AppRoles) != 1 || u.AppRoles[0].App != app.Name || u.AppRoles[0].Role != "editor" {
		t.Errorf("roles in apps: %+v", u.AppRoles)
	}
	do("roles", client.RemoveAppRole(ctx, app.Name, changed.ID, ""))
	both("the users", func(s api.Service) (any, error) {
		list, total, err := s.Users(ctx, 0, 0)
		return []any{list, total}, err
	})

	in, err := client.MakeInvite(ctx, api.NewInvite{Uses: 2})
	do("invite", err)
	if in.Code == "" || in.Path != "/auth/invite/"+in.Code || in.Role != "user" || in.UsesLeft != 2 {
		t.Errorf("made %+v", in)
	}
	list := both("the invites", func(s api.Service) (any, error) { return s.Invites(ctx) }).([]api.Invite)
	if len(list) != 1 || list[0].Code != "" || list[0].Path != "" {
		t.Errorf("the invites: %+v", list)
	}
	do("revoking", client.RevokeInvite(ctx, in.ID))

	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	for range 2 { // names may repeat
		key, err := client.MakeKey(ctx, api.NewKey{Name: "ci", Scopes: []string{"read"}, ExpiresAt: expires})
		do("key", err)
		if key.Token == "" || !key.ExpiresAt.Equal(expires) {
			t.Errorf("made %+v", key)
		}
	}
	keys := both("the keys", func(s api.Service) (any, error) { return s.Keys(ctx) }).([]api.Key)
	var live []string
	for _, k := range keys {
		if k.Token != "" {
			t.Errorf("the list has a token: %+v", k)
		}
		if k.Name == "ci" {
			live = append(live, k.ID)
		}
	}
	if len(live) != 2 || live[0] == live[1] {
		t.Fatalf("keys of one name: %v", live)
	}
	do("revoking", client.RevokeKey(ctx, live[0]))
	for _, k := range both("the keys", func(s api.Service) (any, error) { return s.Keys(ctx) }).([]api.Key) {
		if revoked := !k.RevokedAt.IsZero(); revoked != (k.ID == live[0]) {
			t.Errorf("%s revoked: %v", k.ID, revoked)
		}
	}

	if _, err := client.Me(ctx); err == nil {
		t.Error("a key of the machine's owner is somebody's")
	}
	do("remove", client.RemoveUser(ctx, "ann@example.com"))
	if _, err := srv.Fazt.User(ctx, "ann@example.com"); err == nil {
		t.Error("the user is still there")
	}
}
