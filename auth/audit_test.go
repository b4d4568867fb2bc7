package auth_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage"
	"github.com/google/go-cmp/cmp"
)

// entry is what a test compares of an entry in the audit log.
type entry struct {
	Actor                   api.Actor
	Action, Target, Details string
}

// audit returns the entries, oldest first.
func audit(t *testing.T, log storage.Audits) []entry {
	t.Helper()
	list, err := log.Audit(t.Context(), storage.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	for i := len(list) - 1; i >= 0; i-- {
		e := list[i]
		entries = append(entries, entry{e.Actor, e.Action, e.Target, string(e.Details)})
	}
	return entries
}

func TestKeyChangesAreAudited(t *testing.T) {
	store := openStore(t)
	s := start(t, auth.Options{Dev: true, Store: store})
	s.browser().devSignIn("ann@example.com", "owner")
	a, before := s.Auth, len(audit(t, store))
	ann := api.Actor{Kind: api.ActorUser, ID: s.column(`SELECT id FROM auth_users`)[0], Name: "ann@example.com", Addr: "192.0.2.7"}
	ctx := api.WithActor(t.Context(), ann)

	expires := time.Now().Add(time.Hour)
	_, laptop, err := a.CreateKey(ctx, " laptop ", []string{"read", "deploy"}, expires)
	if err != nil {
		t.Fatal(err)
	}
	_, ci, err := a.CreateKey(t.Context(), "CI", []string{"deploy"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time changes nothing
		if err := a.RevokeKey(ctx, ci.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.RevokeKey(ctx, "none"); !errors.Is(err, auth.ErrNotFound) || auth.CodeOf(err) != auth.CodeNotFound {
		t.Errorf("an unknown key: %v", err)
	}
	if _, _, err := a.CreateKey(ctx, "", nil, time.Time{}); auth.CodeOf(err) != auth.CodeInvalid {
		t.Errorf("a bad key: %v", err)
	}
	want := []entry{
		{ann, "key.create", "laptop", `{"key_id":"` + laptop.ID + `","scopes":["deploy","read"],"expires_at":"` + laptop.ExpiresAt.Format(time.RFC3339Nano) + `"}`},
		{api.Actor{Kind: api.ActorLocal}, "key.create", "CI", `{"key_id":"` + ci.ID + `","scopes":["deploy"]}`},
		{ann, "key.revoke", "CI", `{"key_id":"` + ci.ID + `"}`},
	}
	if d := cmp.Diff(want, audit(t, store)[before:]); d != "" {
		t.Error(d)
	}
}

func TestUserChangesAreAudited(t *testing.T) {
	store := openStore(t)
	s := start(t, auth.Options{Dev: true, Store: store})
	for _, role := range []string{"user", "user", "owner"} { // the second time changes nothing
		if got := s.browser().still().devSignIn("ann@example.com", role); got.StatusCode != http.StatusSeeOther {
			t.Fatal(got.StatusCode)
		}
	}
	s.browser().still().post(s.url("localhost", "/auth/dev/callback"), url.Values{"email": {"nobody"}})
	id := s.column(`SELECT id FROM auth_users`)[0]
	ann := api.Actor{Kind: api.ActorUser, ID: id, Name: "ann@example.com", Addr: "127.0.0.1"}
	want := []entry{
		{ann, "user.create", "ann@example.com", `{"user_id":"` + id + `","provider":"dev","role":"user"}`},
		{ann, "user.sign_in", "ann@example.com", `{"user_id":"` + id + `","provider":"dev","role":"user"}`},
		{ann, "user.sign_in", "ann@example.com", `{"user_id":"` + id + `","provider":"dev","role":"user"}`},
		{ann, "user.role", "ann@example.com", `{"user_id":"` + id + `","provider":"dev","role":"owner"}`},
		{ann, "user.sign_in", "ann@example.com", `{"user_id":"` + id + `","provider":"dev","role":"owner"}`},
	}
	if d := cmp.Diff(want, audit(t, store)); d != "" {
		t.Error(d)
	}
}

// A change that can't be recorded is not made.
func TestNoChangeWithoutAudit(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	_, key, err := s.CreateKey(t.Context(), "laptop", []string{"read"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	s.exec(`DROP TABLE audit`)
	if _, _, err := s.CreateKey(t.Context(), "CI", []string{"read"}, time.Time{}); auth.CodeOf(err) != auth.CodeUnavailable {
		t.Errorf("CreateKey: %v", err)
	}
	if err := s.RevokeKey(t.Context(), key.ID); auth.CodeOf(err) != auth.CodeUnavailable {
		t.Errorf("RevokeKey: %v", err)
	}
	if got := s.browser().still().devSignIn("ann@example.com", "user"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("sign-in: %d", got.StatusCode)
	}
	if d := cmp.Diff([]string{"laptop"}, s.column(`SELECT name FROM api_keys WHERE revoked_at IS NULL`)); d != "" {
		t.Error(d)
	}
	if users := s.column(`SELECT email FROM auth_users`); len(users) > 0 {
		t.Errorf("users: %v", users)
	}
}
