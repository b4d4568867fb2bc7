package auth_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

func TestCreateKey(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	tests := []struct {
		name, label string
		scopes      []string
		expires     time.Time
		want        []string // the key's scopes; nil: refused
	}{
		{"one", "laptop", []string{"deploy"}, time.Time{}, []string{"deploy"}},
		{"all, twice", " CI ", []string{"sql", "read", "admin", "deploy", "read"}, time.Now().Add(time.Hour), []string{"admin", "deploy", "read", "sql"}},
		{"no scope", "laptop", nil, time.Time{}, nil},
		{"unknown scope", "laptop", []string{"deploy", "root"}, time.Time{}, nil},
		{"empty scope", "laptop", []string{""}, time.Time{}, nil},
		{"no name", " ", []string{"read"}, time.Time{}, nil},
		{"long name", strings.Repeat("x", 101), []string{"read"}, time.Time{}, nil},
		{"control character", "a\nb", []string{"read"}, time.Time{}, nil},
		{"expired", "laptop", []string{"read"}, time.Now().Add(-time.Second), nil},
	}
	token := regexp.MustCompile(`^fzt_[a-z2-7]{16}_[a-z2-7]{52}$`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, key, err := a.CreateKey(t.Context(), tt.label, tt.scopes, tt.expires)
			if tt.want == nil {
				if auth.CodeOf(err) != auth.CodeInvalid || got != "" {
					t.Fatalf("%q, %v", got, err)
				}
				return
			}
			if err != nil || !token.MatchString(got) {
				t.Fatalf("%q, %v", got, err)
			}
			if d := cmp.Diff(tt.want, key.Scopes); d != "" {
				t.Error(d)
			}
			if !strings.HasPrefix(got, "fzt_"+key.ID+"_") || key.Name != strings.TrimSpace(tt.label) {
				t.Errorf("%q is %+v", got, key)
			}
			checked, err := a.CheckKey(t.Context(), got)
			if d := cmp.Diff(key, checked); d != "" || err != nil {
				t.Errorf("%v\n%s", err, d)
			}
		})
	}
}

func TestCheckKey(t *testing.T) {
	s := start(t, auth.Options{})
	ctx := t.Context()
	create := func(name string, expires time.Time) (string, auth.Key) {
		token, key, err := s.CreateKey(ctx, name, []string{api.ScopeRead}, expires)
		if err != nil {
			t.Fatal(err)
		}
		return token, key
	}
	good, _ := create("good", time.Time{})
	lasting, _ := create("lasting", time.Now().Add(time.Hour))
	expired, old := create("expired", time.Now().Add(time.Hour))
	s.exec(`UPDATE api_keys SET expires_at = expires_at - 3600000 WHERE id = ?`, old.ID)
	revoked, gone := create("revoked", time.Time{})
	for range 2 { // the second time changes nothing
		if err := s.RevokeKey(ctx, gone.ID); err != nil {
			t.Fatal(err)
		}
	}
	swap := func(token string) string {
		last := "a"
		if strings.HasSuffix(token, "a") {
			last = "b"
		}
		return token[:len(token)-1] + last
	}
	tests := []struct {
		name, token string
		ok          bool
	}{
		{"good", good, true},
		{"not expired", lasting, true},
		{"expired", expired, false},
		{"revoked", revoked, false},
		{"wrong secret", swap(good), false},
		{"another's secret", good[:21] + lasting[21:], false},
		{"unknown id", "fzt_" + strings.Repeat("a", 16) + good[20:], false},
		{"upper case", strings.ToUpper(good), false},
		{"space", good + " ", false},
		{"no secret", good[:21], false},
		{"prefix", "fzt_", false},
		{"empty", "", false},
		{"another's format", "ghp_" + good[4:], false},
		{"SQL", "fzt_' OR '1'='1_" + good[21:], false},
	}
	var refusal string
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := s.CheckKey(ctx, tt.token)
			if tt.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, auth.ErrKey) || auth.CodeOf(err) != auth.CodeUnauthorized || key.ID != "" {
				t.Fatalf("%+v, %v", key, err)
			}
			if refusal == "" {
				refusal = err.Error()
			}
			if d := cmp.Diff(refusal, err.Error()); d != "" {
				t.Errorf("the refusal tells why: %s", d)
			}
		})
	}

	if err := s.RevokeKey(ctx, "none"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("revoking an unknown key: %v", err)
	}
	for _, hash := range s.column(`SELECT secret_hash FROM api_keys`) {
		if len(hash) != 64 {
			t.Errorf("stored as %q", hash)
		}
	}
}

func TestKeys(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	token, _, err := a.CreateKey(t.Context(), "used", []string{"read"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	_, revoked, err := a.CreateKey(t.Context(), "revoked", []string{"read"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RevokeKey(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CheckKey(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil { // writes what waits
		t.Fatal(err)
	}
	keys, err := a.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]bool{}
	for _, k := range keys {
		got[k.Name] = [2]bool{!k.LastUsed.IsZero(), !k.RevokedAt.IsZero()}
	}
	if d := cmp.Diff(map[string][2]bool{"used": {true, false}, "revoked": {false, true}}, got); d != "" {
		t.Error(d)
	}
}

func TestKeyScopes(t *testing.T) {
	tests := []struct {
		scopes []string
		want   string
	}{
		{[]string{"read"}, "read"},
		{[]string{"deploy", "sql"}, "deploy sql"},
		{[]string{"admin"}, "admin deploy read sql"},
		{nil, ""},
	}
	for _, tt := range tests {
		var got []string
		for _, s := range []string{"admin", "deploy", "read", "sql", "root", ""} {
			if (auth.Key{Scopes: tt.scopes}).Has(s) {
				got = append(got, s)
			}
		}
		if d := cmp.Diff(tt.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%v: %s", tt.scopes, d)
		}
	}
}

// A caller tells a database that fails from a key that is not good.
func TestCheckKeyDatabaseGone(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	token, _, err := a.CreateKey(t.Context(), "laptop", []string{"read"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.CheckKey(ctx, token); errors.Is(err, auth.ErrKey) || !errors.Is(err, context.Canceled) || auth.CodeOf(err) != auth.CodeUnavailable {
		t.Errorf("%v", err)
	}
}

func FuzzCheckKey(f *testing.F) {
	a := newAuth(f, &auth.Options{})
	good, _, err := a.CreateKey(f.Context(), "laptop", []string{"read"}, time.Time{})
	if err != nil {
		f.Fatal(err)
	}
	for _, token := range []string{good, good + "a", "", "fzt_", "fzt__", "fzt_a_b", strings.Repeat("_", 80)} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, err := a.CheckKey(t.Context(), token)
		if token == good && err != nil || token != good && !errors.Is(err, auth.ErrKey) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}
