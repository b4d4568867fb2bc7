package cli_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/cli"
)

// TestNamesAreTheAPIs: a field has one name, whether the command prints it or the
// management API answers with it.
func TestNamesAreTheAPIs(t *testing.T) {
	db := filepath.Join(t.TempDir(), "data.db")
	server, err := fazt.New(t.Context(), fazt.Options{DataFile: db})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	listener := httptest.NewServer(server)
	defer listener.Close()
	key, err := server.CreateKey(t.Context(), "test", "admin")
	if err != nil {
		t.Fatal(err)
	}
	fill(t, server)
	for _, tt := range []struct {
		command, route string
		own            []string // columns that are the command's alone
	}{
		{command: "app list", route: "/api/apps"},
		{command: "app info notes", route: "/api/apps/notes"},
		{command: "app versions notes", route: "/api/apps/notes/versions"},
		{command: "app files notes", route: "/api/apps/notes/files"},
		{command: "app aliases", route: "/api/aliases"},
		{command: "audit", route: "/api/audit"},
		{command: "auth users", route: "/api/users"},
		{command: "auth user ann@example.com", route: "/api/users/ann@example.com"},
		{command: "auth invites", route: "/api/invites"},
		{command: "auth keys", route: "/api/keys", own: []string{"state"}},
		{command: "auth sessions", route: "/api/sessions"},
		{command: "auth providers", route: "/api/auth/providers"},
	} {
		t.Run(tt.command, func(t *testing.T) {
			code, stdout, stderr := run(append(strings.Fields(tt.command), "--db", db, "--format", "json")...)
			if code != cli.ExitOK {
				t.Fatal(stderr)
			}
			req, err := http.NewRequest("GET", listener.URL+tt.route, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+key)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			var answer struct{ Data json.RawMessage }
			if err := json.Unmarshal(body, &answer); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %v", body, err)
			}
			printed, said := names(t, []byte(stdout)), names(t, answer.Data)
			if len(printed) == 0 {
				t.Fatalf("nothing is listed: %s", stdout)
			}
			for _, name := range printed {
				if !slices.Contains(said, name) && !slices.Contains(tt.own, name) {
					t.Errorf("%s is not the API's, which has %v", name, said)
				}
			}
		})
	}
}

// names are the fields of an object, or of the first in an array.
func names(t *testing.T, text []byte) []string {
	t.Helper()
	var one map[string]any
	var list []map[string]any
	if json.Unmarshal(text, &one) != nil {
		if err := json.Unmarshal(text, &list); err != nil || len(list) == 0 {
			t.Fatalf("%v: %s", err, text)
		}
		for _, o := range list { // some leave fields out
			if one == nil {
				one = make(map[string]any)
			}
			maps.Copy(one, o)
		}
	}
	return slices.Sorted(maps.Keys(one))
}

// fill puts one of each kind into a server.
func fill(t *testing.T, server *fazt.Server) {
	t.Helper()
	did := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	did(server.Deploy(ctx, "notes", fstest.MapFS{"index.html": {Data: []byte("x")}, "api/main.js": {Data: []byte("1")}}))
	did(server.SetAlias(ctx, api.Alias{Label: "shop", Type: api.AliasApp, Targets: []api.AliasTarget{{AppID: "notes"}}}))
	did(server.SetAlias(ctx, api.Alias{Label: "away", Type: api.AliasRedirect, URL: "https://example.com"}))
	did(server.MakeInvite(ctx, api.NewInvite{Role: "user"}))
	did(server.SetProvider(ctx, "google", api.ProviderConfig{ClientID: "x", ClientSecret: "y"}))
	r := httptest.NewRequest("POST", "http://localhost/", nil)
	did(server.Auth().SignIn(httptest.NewRecorder(), r, auth.Identity{
		Issuer: "https://people.example.com", Subject: "1", Email: "ann@example.com", EmailVerified: true,
	}))
	did(nil, server.SetAppRole(ctx, "notes", "ann@example.com", "editor"))
	did(server.MakeKey(ctx, api.NewKey{Name: "ci", Scopes: []string{"read"}, ExpiresAt: time.Now().Add(time.Hour)}))
}

// TestColumnNames: whoever writes a query names its columns, and a peer may answer with
// any; none of them commands a terminal.
func TestColumnNames(t *testing.T) {
	t.Setenv("FAZT_DB_PATH", filepath.Join(t.TempDir(), "data.db"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("hi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run("app", "deploy", dir, "--name", "notes"); code != cli.ExitOK {
		t.Fatal(stderr)
	}
	for format, want := range map[string]string{"table": "\ufffd[31m\\nred\n", "csv": "\"\ufffd[31m\nred\"\n", "json": `{"\u001b[31m\nred":1}`} {
		code, stdout, stderr := run("sql", "select 1 as \"\x1b[31m\nred\"", "--format", format)
		if code != cli.ExitOK || strings.ContainsRune(stdout, '\x1b') || !strings.Contains(stdout, want) {
			t.Errorf("%s: exit %d, %q, %q", format, code, stdout, stderr)
		}
	}
}
