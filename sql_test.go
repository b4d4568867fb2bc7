package fazt_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// TestSQLByBothServices: a Server and a Client of it say the same, to the types of the
// cells.
func TestSQLByBothServices(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("index.html", "x", "api/main.js", `fazt.storage.ds.insert('notes', {id: 'a', n: 1}); fazt.storage.kv.set('k', {v: 1})`))
	app.Get("/api")
	key, err := srv.Fazt.CreateKey(t.Context(), "local", "sql", "admin")
	if err != nil {
		t.Fatal(err)
	}
	both := map[string]api.Service{"server": srv.Fazt, "client": &api.Client{URL: srv.URL, Token: key, HTTP: srv.Client()}}
	const wide = "SELECT 1, -9223372036854775808, 9007199254740993, 2.0, 1.5e300, 9e999, -9e999, 'x', '', '<&\u2028>', x'00ff', x'', NULL, CAST(x'ff' AS TEXT)"
	for query, want := range map[string]*api.Table{
		wide: {Rows: [][]any{{int64(1), int64(math.MinInt64), int64(9007199254740993), 2.0, 1.5e300, math.Inf(1), math.Inf(-1),
			"x", "", "<&\u2028>", []byte{0, 255}, []byte{}, nil, []byte{255}}}},
		"SELECT name FROM apps":                                      {Columns: []string{"name"}, Rows: [][]any{{app.Name}}},
		"SELECT name FROM apps WHERE name = ''":                      {Columns: []string{"name"}, Rows: [][]any{}},
		"SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3":        {Columns: []string{"n"}, Rows: [][]any{{int64(1)}, {int64(2)}}, Truncated: true},
		"SELECT app_name, collection, id FROM docs":                  {Columns: []string{"app_name", "collection", "id"}, Rows: [][]any{{app.Name, "notes", "a"}}},
		"SELECT body ->> 'n' AS n FROM docs":                         {Columns: []string{"n"}, Rows: [][]any{{int64(1)}}},
		"SELECT app_name, key, value FROM kv":                        {Columns: []string{"app_name", "key", "value"}, Rows: [][]any{{app.Name, "k", `{"v":1}`}}},
		"SELECT path FROM files WHERE app_name = '" + app.Name + "'": {Columns: []string{"path"}, Rows: [][]any{{"api/main.js"}, {"index.html"}}},
	} {
		for name, s := range both {
			got, err := s.Query(t.Context(), api.Query{SQL: query, Limit: 2})
			if err != nil {
				t.Errorf("%s: %s: %v", name, query, err)
				continue
			}
			if want.Columns == nil {
				got.Columns = nil
			}
			if d := cmp.Diff(want, got, cmpopts.IgnoreFields(api.Table{}, "Time")); d != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, query, d)
			}
		}
	}
	for i, name := range []string{"server", "client"} {
		done, err := both[name].Exec(t.Context(), fmt.Sprintf("UPDATE apps SET title = 'n%d'", i))
		if err != nil || done.Rows != 1 {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
		for _, statement := range []string{"DELETE FROM audit", "DROP TABLE kv", "SELEC", ""} {
			if _, err := both[name].Exec(t.Context(), statement); err == nil {
				t.Errorf("%s: %s was made", name, statement)
			}
		}
		if _, err := both[name].Query(t.Context(), api.Query{SQL: "DELETE FROM kv"}); err == nil || !strings.Contains(err.Error(), "only reads are allowed") {
			t.Errorf("%s: a write: %v", name, err)
		}
	}
}

// TestSQLTables: what an operator would guess is there.
func TestSQLTables(t *testing.T) {
	srv := open(t)
	for _, table := range []string{"apps", "aliases", "files", "deployments", "kv", "docs", "blobs", "logs", "env_vars", "auth_users", "auth_sessions",
		"auth_providers", "auth_invites", "api_keys", "audit", "peers", "config", "migrations"} {
		if _, err := srv.Query(t.Context(), api.Query{SQL: "SELECT * FROM " + table}); err != nil {
			t.Errorf("%s: %v", table, err)
		}
		found, err := srv.Query(t.Context(), api.Query{SQL: "SELECT count(*) FROM sqlite_schema WHERE name = '" + table + "'"})
		if err != nil || found.Rows[0][0] != int64(1) {
			t.Errorf("%s in the schema: %+v, %v", table, found, err)
		}
	}
}

// TestSQLNeedsAuthority: a key with the scope looks; to write takes the scope admin on
// an owner's authority, or an owner.
func TestSQLNeedsAuthority(t *testing.T) {
	srv := harnesstest.Start(t)
	for email, role := range map[string]string{"owner@example.com": "owner", "admin@example.com": "admin", "user@example.com": "user"} {
		join(t, srv, email, role)
	}
	owner, admin, user := signedIn(t, srv, "owner@example.com"), signedIn(t, srv, "admin@example.com"), signedIn(t, srv, "user@example.com")
	keyOf := func(by *operator, scopes string) *operator {
		status, text, _ := by.ask("POST", "/api/keys", `{"name":"k","scopes":`+scopes+`}`)
		var made api.Key
		if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusOK && status != http.StatusCreated {
			t.Fatalf("%d %s", status, text)
		}
		o := operate(t, srv)
		o.key = made.Token
		return o
	}
	const read, write = `{"query":"SELECT 1 AS n"}`, `{"query":"UPDATE apps SET title = 'x'","write":true}`
	for name, tt := range map[string]struct {
		by          *operator
		read, write int
	}{
		"nobody":          {operate(t, srv), 401, 401},
		"a user":          {user, 403, 403},
		"an admin":        {admin, 200, 403},
		"an owner":        {owner, 200, 200},
		"read":            {keyOf(owner, `["read"]`), 403, 403},
		"sql":             {keyOf(owner, `["sql"]`), 200, 403},
		"sql by an admin": {keyOf(admin, `["sql"]`), 200, 403},
		"admin":           {keyOf(owner, `["admin"]`), 200, 200},
		"an admin's key":  {keyOf(admin, `["admin"]`), 200, 403},
	} {
		for body, want := range map[string]int{read: tt.read, write: tt.write} {
			if status, answer := tt.by.askBare("POST", "/api/sql", body); status != want {
				t.Errorf("%s: %s: %d %s, want %d", name, body, status, answer, want)
			}
		}
	}
	for body, want := range map[string]string{
		read:                                `{"columns":["n"],"rows":[[1]],"count":1,"truncated":false,"time_ms":`,
		`{"query":"SELECT 1 AS n WHERE 0"}`: `{"columns":["n"],"rows":[],"count":0,"truncated":false,"time_ms":`,
		`{"query":"SELECT 1 AS n UNION ALL SELECT 2","limit":1}`:                   `{"columns":["n"],"rows":[[1]],"count":1,"truncated":true,"time_ms":`,
		`{"query":"UPDATE apps SET title = 'x' WHERE 0","write":true}`:             `{"affected":0,"time_ms":`,
		`{"query":"DELETE FROM kv"}`:                                               `{"error":{"code":"READ_ONLY"`,
		`{"query":"SELECT 1; SELECT 2"}`:                                           `{"error":{"code":"INVALID"`,
		`{"query":"SELECT 1","limit":-1}`:                                          `{"error":{"code":"INVALID"`,
		`{"sql":"SELECT 1"}`:                                                       `{"error":{"code":"INVALID_JSON"`,
		`{"query":"DROP TABLE kv","write":true}`:                                   `{"error":{"code":"READ_ONLY"`,
		`{"query":"UPDATE auth_users SET password_hash = 'x'","write":true}`:       `{"error":{"code":"READ_ONLY"`,
		`{"query":"SELECT count(*) AS n FROM auth_passwords WHERE password_hash"}`: `{"columns":["n"],"rows":[[0]],`,
	} {
		if _, answer := owner.askBare("POST", "/api/sql", body); !strings.HasPrefix(answer, want) {
			t.Errorf("%s: %s, want %s", body, answer, want)
		}
	}
	// What a statement has changed is in force for the next request.
	if status, answer := owner.askBare("POST", "/api/sql", `{"query":"DELETE FROM auth_sessions WHERE user_id IN (SELECT id FROM auth_users WHERE email = 'admin@example.com')","write":true}`); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	if status, _ := admin.askBare("POST", "/api/sql", read); status != 401 {
		t.Errorf("a session that was deleted: %d", status)
	}
}
