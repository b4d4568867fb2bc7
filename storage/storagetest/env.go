package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

func testEnv(t *testing.T, s storage.Store) {
	id, other := publish(t, s, "shop", 3).AppID, publish(t, s, "blog", 3).AppID
	before, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetEnv(t.Context(), id, map[string]string{"KEY": "a", "_2": "", "long": strings.Repeat("\u00e4", storage.MaxEnvValue/2)}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetEnv(t.Context(), id, map[string]string{"KEY": "b"}); err != nil {
		t.Fatal(err)
	}
	if after, err := s.Revision(t.Context()); err != nil || after <= before {
		t.Errorf("revision %d, %v", after, err)
	}
	bad := map[string]map[string]string{
		"":         {"": "x"},
		"1A":       {"OK": "x", "1A": "x"},
		"A-B":      {"A-B": "x"},
		"A?":       {"A\xff": "x"},
		"NUL":      {"NUL": "a\x00"},
		"NOT_UTF8": {"NOT_UTF8": "\xff"},
	}
	for path, vars := range bad {
		err := s.SetEnv(t.Context(), id, vars)
		wantCode(t, path, err, storage.CodeInvalid)
		if e, ok := errors.AsType[*storage.Error](err); ok && e.Path != path {
			t.Errorf("path %q, want %q", e.Path, path)
		}
	}
	wantCode(t, "large", s.SetEnv(t.Context(), id, map[string]string{"A": strings.Repeat("x", storage.MaxEnvValue+1)}), storage.CodeQuotaExceeded)
	wantCode(t, "no app", s.SetEnv(t.Context(), "none", map[string]string{"A": "x"}), storage.CodeNotFound)
	for i, want := range []storage.Code{"", storage.CodeNotFound} {
		wantCode(t, fmt.Sprint("unset ", i), s.UnsetEnv(t.Context(), id, "long"), want)
	}
	for app, want := range map[string]map[string]string{id: {"KEY": "b", "_2": ""}, other: {}} {
		vars, err := s.Env(t.Context(), app)
		diff(t, app, want, vars)
		if err != nil {
			t.Error(err)
		}
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
