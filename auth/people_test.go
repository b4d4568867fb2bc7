package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
)

// person makes a user with a password, and returns their id.
func (s *server) person(email string, role auth.Role) string {
	s.t.Helper()
	if got := s.browser().still().join(auth.InvitePath(s.invite(role, 1)), email); got.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("%s joins: %d\n%s", email, got.StatusCode, got.body)
	}
	return s.column(`SELECT id FROM auth_users WHERE email = '` + email + `'`)[0]
}

// as is a context in which a user acts.
func (s *server) as(id string) context.Context {
	return api.WithActor(s.t.Context(), api.Actor{Kind: api.ActorUser, ID: id, Name: "test", Addr: "192.0.2.1"})
}

// An admin ends neither keys nor invites of an owner.
func TestOnlyAnOwnerEndsAnOwners(t *testing.T) {
	s := start(t, auth.Options{})
	owner, admin := s.as(s.person("owner@example.com", auth.RoleOwner)), s.as(s.person("admin@example.com", auth.RoleAdmin))
	for _, tt := range []struct {
		name  string
		made  context.Context
		admin bool // may end it
	}{{"an owner's", owner, false}, {"the machine's", t.Context(), false}, {"an admin's", admin, true}} {
		_, key, err := s.CreateKey(tt.made, "key", []string{"read"}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RevokeKey(admin, key.ID); (err == nil) != tt.admin || !tt.admin && auth.CodeOf(err) != auth.CodeForbidden {
			t.Errorf("an admin ends %s key: %v", tt.name, err)
		}
		if err := s.RevokeKey(owner, key.ID); err != nil {
			t.Errorf("an owner ends %s key: %v", tt.name, err)
		}
	}
	for role, may := range map[auth.Role]bool{auth.RoleOwner: false, auth.RoleAdmin: true, auth.RoleUser: true} {
		_, invite, err := s.CreateInvite(owner, role, 1, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RevokeInvite(admin, invite.ID); (err == nil) != may || !may && auth.CodeOf(err) != auth.CodeForbidden {
			t.Errorf("an admin ends an invite as %s: %v", role, err)
		}
	}
}

// Who may do what to whom: nobody gives more than they have, or touches an owner
// without being one.
func TestPower(t *testing.T) {
	s := start(t, auth.Options{})
	ids := map[string]string{}
	for _, role := range []auth.Role{auth.RoleOwner, auth.RoleAdmin, auth.RoleUser} {
		ids[string(role)] = s.person(string(role)+"@example.com", role)
		ids["other "+string(role)] = s.person("other-"+string(role)+"@example.com", role)
	}
	change := func(to auth.Role) func(context.Context, string) error {
		return func(ctx context.Context, id string) error {
			_, err := s.ChangeUser(ctx, id, auth.UserChange{Role: &to})
			return err
		}
	}
	name := "New name"
	acts := map[string]func(context.Context, string) error{
		"rename": func(ctx context.Context, id string) error {
			_, err := s.ChangeUser(ctx, id, auth.UserChange{Name: &name})
			return err
		},
		"make owner": change(auth.RoleOwner), "make admin": change(auth.RoleAdmin), "make user": change(auth.RoleUser),
		"password": func(ctx context.Context, id string) error { return s.SetPassword(ctx, id, goodPassword) },
		"remove":   s.RemoveUser,
	}
	allowed := map[string]string{ // by whom, to whom: what; and nothing else
		"owner owner": "rename make owner make admin make user password remove", "owner admin": "rename make owner make admin make user password remove",
		"owner user":  "rename make owner make admin make user password remove",
		"admin owner": "", "admin admin": "rename make admin make user password remove", "admin user": "rename make admin make user password remove",
		"user owner": "", "user admin": "", "user user": "",
	}
	for _, by := range []string{"owner", "admin", "user"} {
		for _, to := range []string{"owner", "admin", "user"} {
			got := ""
			for _, what := range []string{"rename", "make owner", "make admin", "make user", "password", "remove"} {
				var err error
				undone := errors.New("undone")
				s.inScratch(func(s *server) error { err = acts[what](s.as(ids[by]), ids["other "+to]); return undone })
				switch {
				case err == nil:
					if got != "" {
						got += " "
					}
					got += what
				case auth.CodeOf(err) != auth.CodeForbidden:
					t.Errorf("%s, %s %s: %v", by, what, to, err)
				}
			}
			if d := cmp.Diff(allowed[by+" "+to], got); d != "" {
				t.Errorf("by %s to %s: %s", by, to, d)
			}
		}
	}
}

// inScratch lets f change the users, and puts them back.
func (s *server) inScratch(f func(*server) error) {
	s.t.Helper()
	for _, table := range []string{"auth_users", "auth_passwords", "auth_sessions"} {
		s.exec(`CREATE TABLE kept_` + table + ` AS SELECT * FROM ` + table)
	}
	f(s)
	for _, table := range []string{"auth_users", "auth_passwords", "auth_sessions"} {
		s.exec(`DELETE FROM ` + table)
		s.exec(`INSERT INTO ` + table + ` SELECT * FROM kept_` + table)
		s.exec(`DROP TABLE kept_` + table)
	}
}

func TestInvitesAndKeysOfAnAdmin(t *testing.T) {
	s := start(t, auth.Options{})
	admin, user := s.person("admin@example.com", auth.RoleAdmin), s.person("user@example.com", auth.RoleUser)
	invite := func(ctx context.Context, role auth.Role) auth.Code {
		_, _, err := s.CreateInvite(ctx, role, 1, time.Time{})
		return auth.CodeOf(err)
	}
	key := func(ctx context.Context) auth.Code {
		_, _, err := s.CreateKey(ctx, "test", []string{"admin"}, time.Time{})
		return auth.CodeOf(err)
	}
	got := []auth.Code{
		invite(s.as(admin), auth.RoleUser), invite(s.as(admin), auth.RoleAdmin), invite(s.as(admin), auth.RoleOwner), key(s.as(admin)),
		invite(s.as(user), auth.RoleUser), key(s.as(user)), invite(s.as("nobody"), auth.RoleUser), key(s.as("nobody")),
	}
	no := auth.CodeForbidden
	if d := cmp.Diff([]auth.Code{"", "", no, "", no, no, no, no}, got); d != "" {
		t.Error(d)
	}
}

// A key may do what the one who made it may: an admin does not become an owner by
// it, nor stays an admin.
func TestKeyOfAnAdmin(t *testing.T) {
	s := start(t, auth.Options{})
	s.person("owner@example.com", auth.RoleOwner)
	admin := s.person("admin@example.com", auth.RoleAdmin)
	token, made, err := s.CreateKey(s.as(admin), "laptop", []string{"admin"}, time.Time{})
	if err != nil || made.CreatedBy != admin {
		t.Fatalf("%+v, %v", made, err)
	}
	byKey := func(id string) context.Context {
		return api.WithActor(t.Context(), api.Actor{Kind: api.ActorKey, ID: id})
	}
	owner := auth.RoleOwner
	if _, err := s.ChangeUser(byKey(made.ID), admin, auth.UserChange{Role: &owner}); auth.CodeOf(err) != auth.CodeForbidden {
		t.Errorf("to make oneself owner by a key: %v", err)
	}
	second, child, err := s.CreateKey(byKey(made.ID), "of the key", []string{"admin"}, time.Time{})
	if err != nil || child.CreatedBy != admin {
		t.Fatalf("a key made by a key: %+v, %v", child, err)
	}
	check := func(want bool) {
		t.Helper()
		for _, token := range []string{token, second} {
			if _, err := s.CheckKey(t.Context(), token); (err == nil) != want || err != nil && !errors.Is(err, auth.ErrKey) {
				t.Errorf("want %v: %v", want, err)
			}
		}
	}
	check(true)
	user, adminRole := auth.RoleUser, auth.RoleAdmin
	for _, step := range []struct {
		role *auth.Role
		want bool
	}{{&user, false}, {&adminRole, true}} {
		if _, err := s.ChangeUser(t.Context(), admin, auth.UserChange{Role: step.role}); err != nil {
			t.Fatal(err)
		}
		check(step.want)
	}
	if err := s.RemoveUser(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	check(false)
	if n := s.column(`SELECT COUNT(*) FROM api_keys WHERE revoked_at IS NULL`)[0]; n != "0" {
		t.Errorf("%s keys are left", n)
	}
	local, _, err := s.CreateKey(t.Context(), "local", []string{"admin"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckKey(t.Context(), local); err != nil {
		t.Errorf("a key made on the machine: %v", err)
	}
}

// Nor does an invite outlast what its maker may do, or it would be a way back.
func TestInviteOfAnAdmin(t *testing.T) {
	s := start(t, auth.Options{})
	owner, admin := s.person("owner@example.com", auth.RoleOwner), s.person("admin@example.com", auth.RoleAdmin)
	s.person("second@example.com", auth.RoleOwner)
	byOwner, _, err := s.CreateInvite(s.as(owner), auth.RoleOwner, 1, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	byAdmin, _, err := s.CreateInvite(s.as(admin), auth.RoleAdmin, 1, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	open := func(code string) int { return s.browser().get(s.url("localhost", auth.InvitePath(code))).StatusCode }
	if got := []int{open(byOwner), open(byAdmin)}; !cmp.Equal(got, []int{200, 200}) {
		t.Fatalf("at first: %v", got)
	}
	adminRole, user := auth.RoleAdmin, auth.RoleUser
	for id, role := range map[string]*auth.Role{owner: &adminRole, admin: &user} {
		if _, err := s.ChangeUser(t.Context(), id, auth.UserChange{Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	if got := []int{open(byOwner), open(byAdmin)}; !cmp.Equal(got, []int{404, 404}) {
		t.Errorf("after their makers were demoted: %v", got)
	}
	if got := s.browser().still().join(auth.InvitePath(byAdmin), "eve@example.com").StatusCode; got != 404 {
		t.Errorf("joining: %d", got)
	}
}

func TestLastOwnerStays(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	ann := s.person("ann@example.com", auth.RoleOwner)
	s.browser().devSignIn("dev@example.com", "owner") // nobody on a public server
	user := auth.RoleUser
	demote := func(ctx context.Context) error {
		_, err := s.ChangeUser(ctx, ann, auth.UserChange{Role: &user})
		return err
	}
	for name, err := range map[string]error{
		"demoted": demote(t.Context()), "demoted by herself": demote(s.as(ann)), "removed": s.RemoveUser(t.Context(), ann),
	} {
		if !errors.Is(err, auth.ErrLastOwner) || auth.CodeOf(err) != auth.CodeConflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	bob := s.person("bob@example.com", auth.RoleOwner)
	if err := demote(s.as(bob)); err != nil {
		t.Errorf("with another owner: %v", err)
	}
	if err := s.RemoveUser(t.Context(), ann); err != nil {
		t.Errorf("removing a user: %v", err)
	}
}

// A change of role is felt at once, and leaves no session as it was.
func TestChangeOfRoleEndsSessions(t *testing.T) {
	s := start(t, auth.Options{})
	id := s.person("ann@example.com", auth.RoleUser)
	b := s.browser().still()
	b.passwordSignIn("ann@example.com", goodPassword)
	same, name := auth.RoleUser, "Ann"
	u, err := s.ChangeUser(t.Context(), id, auth.UserChange{Role: &same, Name: &name})
	if err != nil || u.Name != "Ann" || b.who("localhost") != "ann@example.com" {
		t.Errorf("the same role: %+v, %v, the session is %q", u, err, b.who("localhost"))
	}
	admin := auth.RoleAdmin
	if u, err := s.ChangeUser(t.Context(), "ANN@example.com", auth.UserChange{Role: &admin}); err != nil || u.Role != admin {
		t.Errorf("%+v, %v", u, err)
	}
	if who := b.who("localhost"); who != "nobody" {
		t.Errorf("the session is %q", who)
	}
	root, long := auth.Role("root"), ""
	for _, c := range []auth.UserChange{{Role: &root}, {Name: &long}} {
		if _, err := s.ChangeUser(t.Context(), id, c); auth.CodeOf(err) != auth.CodeInvalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestRemoveUserLeavesNothing(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	s.browser().devSignIn("ann@example.com", "user")
	id := s.column(`SELECT id FROM auth_users`)[0]
	if err := s.SetAppRole(t.Context(), "app1", id, "editor"); err != nil {
		t.Fatal(err)
	}
	s.exec(`INSERT INTO auth_passkeys (id, user_id, name, credential, created_at, last_used) VALUES ('p', ?, '', '', 0, 0)`, id)
	s.exec(`INSERT INTO auth_passwords (user_id, password_hash, changed_at) VALUES (?, '', 0)`, id)
	if err := s.RemoveUser(t.Context(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"users", "sessions", "identities", "passwords", "passkeys", "app_roles"} {
		if n := s.column(`SELECT COUNT(*) FROM auth_` + table)[0]; n != "0" {
			t.Errorf("auth_%s has %s rows", table, n)
		}
	}
}

func TestAppRoles(t *testing.T) {
	s := start(t, auth.Options{})
	ann := s.person("ann@example.com", auth.RoleUser)
	for range 2 { // the second time changes nothing
		if err := s.SetAppRole(t.Context(), "app1", "ann@example.com", "editor"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetAppRole(t.Context(), "app2", ann, "author"); err != nil {
		t.Fatal(err)
	}
	roles := func(app string) []auth.AppRole {
		list, err := s.AppRoles(t.Context(), ann, app)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if d := cmp.Diff([]auth.AppRole{{"app1", "editor"}}, roles("app1")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]auth.AppRole{{"app1", "editor"}, {"app2", "author"}}, roles("")); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", "owner", "admin", "user", "Editor", "a b", "ä", "a\x00", fmt.Sprintf("%064d", 0)} {
		if err := s.SetAppRole(t.Context(), "app1", ann, bad); auth.CodeOf(err) != auth.CodeInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := s.SetAppRole(s.as(ann), "app1", ann, "boss"); auth.CodeOf(err) != auth.CodeForbidden {
		t.Errorf("to give oneself a role: %v", err)
	}
	if err := s.RemoveAppRole(t.Context(), "app1", ann, "author"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a role that one has elsewhere: %v", err)
	}
	if err := s.RemoveAppRole(t.Context(), "app1", ann, ""); err != nil || len(roles("app1")) > 0 || len(roles("app2")) != 1 {
		t.Errorf("all of an app: %v, left %v", err, roles(""))
	}
	if err := s.ForgetApp(t.Context(), "app2"); err != nil || len(roles("")) > 0 {
		t.Errorf("an app that is no more: %v, left %v", err, roles(""))
	}
}

// Whoever tries keys learns nothing of which part was right.
func TestKeysAreNotScanned(t *testing.T) {
	s := start(t, auth.Options{})
	good, key, err := s.CreateKey(t.Context(), "laptop", []string{"read"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for i := range len(good) {
		changed := []byte(good)
		changed[i] ^= 1
		_, err := s.CheckKey(t.Context(), string(changed))
		said[fmt.Sprint(err)] = true
		if !errors.Is(err, auth.ErrKey) {
			t.Errorf("changed at %d: %v", i, err)
		}
	}
	if err := s.RevokeKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	_, err = s.CheckKey(t.Context(), good)
	said[fmt.Sprint(err)] = true
	if len(said) != 1 {
		t.Errorf("the answers differ: %v", said)
	}
}
