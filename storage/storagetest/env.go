package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func testEnv(t *testing.T, s storage.Store) {
	id, other := publish(t, s, "shop", 3).AppID, publish(t, s, "blog", 3).AppID
	before, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const key = "fingerprint"
	if print, err := s.SealKey(t.Context()); print != "" || err != nil {
		t.Errorf("a key before any: %q, %v", print, err)
	}
	set := func(app, key string, vars map[string]string) error {
		sealed := map[string][]byte{}
		for name, value := range vars {
			sealed[name] = []byte(value)
		}
		return s.SetEnv(t.Context(), app, sealed, key)
	}
	long := strings.Repeat("\xff", storage.MaxEnvValue+100)
	start := time.Now().Truncate(time.Millisecond)
	if err := set(id, key, map[string]string{"KEY": "a", "_2": "", "long": long}); err != nil {
		t.Fatal(err)
	}
	if err := set(id, key, map[string]string{"KEY": "\x00b"}); err != nil {
		t.Fatal(err)
	}
	if after, err := s.Revision(t.Context()); err != nil || after <= before {
		t.Errorf("revision %d, %v", after, err)
	}
	for name, vars := range map[string]map[string]string{"": {"": "x"}, "1A": {"OK": "x", "1A": "x"}, "A-B": {"A-B": "x"}, "A?": {"A\xff": "x"}} {
		err := set(id, key, vars)
		wantCode(t, name, err, storage.CodeInvalid)
		if e, ok := errors.AsType[*storage.Error](err); ok && e.Path != name {
			t.Errorf("path %q, want %q", e.Path, name)
		}
	}
	wantCode(t, "large", set(id, key, map[string]string{"A": long + long}), storage.CodeQuotaExceeded)
	wantCode(t, "no app", set("none", key, map[string]string{"A": "x"}), storage.CodeNotFound)
	wantCode(t, "another key", set(id, "other", map[string]string{"A": "x"}), storage.CodeConflict)
	if print, err := s.SealKey(t.Context()); print != key || err != nil {
		t.Errorf("the key on record: %q, %v", print, err)
	}
	for i, want := range []storage.Code{"", storage.CodeNotFound} {
		wantCode(t, fmt.Sprint("unset ", i), s.UnsetEnv(t.Context(), id, "long"), want)
	}
	for app, want := range map[string]map[string]string{id: {"KEY": "\x00b", "_2": ""}, other: {}} {
		vars, err := s.Env(t.Context(), app)
		if err != nil {
			t.Error(err)
		}
		got := map[string]string{}
		for name, v := range vars {
			got[name] = string(v.Sealed)
			if v.UpdatedAt.Before(start) || v.UpdatedAt.After(time.Now()) {
				t.Errorf("%s was set at %v", name, v.UpdatedAt)
			}
		}
		diff(t, app, want, got)
	}
	testForgetSealed(t, s, other)
}

// testForgetSealed gives up all variables of all apps, those of a removed one too.
func testForgetSealed(t *testing.T, s storage.Store, app string) {
	t.Helper()
	if err := errors.Join(s.SetEnv(t.Context(), app, map[string][]byte{"KEPT": []byte("x")}, "fingerprint"), s.RemoveApp(t.Context(), app, true)); err != nil {
		t.Fatal(err)
	}
	var lost []storage.SealedVariable
	err := s.Write(t.Context(), func(tx storage.SQL) (err error) {
		if lost, err = storage.SealedVariables(tx); err != nil {
			return err
		}
		return storage.ForgetSealed(tx, api.Actor{Kind: api.ActorLocal})
	})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "lost", []storage.SealedVariable{{App: "blog", Name: "KEPT"}, {App: "shop", Name: "KEY"}, {App: "shop", Name: "_2"}}, lost)
	vars, err := s.Env(t.Context(), app)
	if print, keyErr := s.SealKey(t.Context()); len(vars) != 0 || print != "" || err != nil || keyErr != nil {
		t.Errorf("left: %v by %q; %v, %v", vars, print, err, keyErr)
	}
	entries, err := s.Audit(t.Context(), storage.AuditQuery{Limit: 1})
	if err != nil || len(entries) != 1 || entries[0].Action != "env.forget" || string(entries[0].Details) != `{"names":["blog KEPT","shop KEY","shop _2"]}` {
		t.Errorf("the entry: %+v, %v", entries, err)
	}
}

func testSecret(t *testing.T, s storage.Store) {
	secrets := map[string][]byte{}
	for _, name := range []string{"a", "b", "a"} {
		secret, err := s.Secret(t.Context(), name)
		if err != nil || len(secret) != 32 || secrets[name] != nil && !bytes.Equal(secret, secrets[name]) {
			t.Errorf("%s: %x, %v", name, secret, err)
		}
		secrets[name] = secret
	}
	if bytes.Equal(secrets["a"], secrets["b"]) || bytes.Equal(secrets["a"], make([]byte, 32)) {
		t.Error("the secrets are not random")
	}
	table, err := s.Query(t.Context(), "SELECT name, key_secret FROM keys ORDER BY name", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "shown", [][]any{{"a", nil}, {"b", nil}}, table.Rows)
}
