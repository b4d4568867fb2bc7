package storagetest

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

// statements are those that an operator must not get through, a file a kind. They are
// of every dialect: what an engine does not understand, it refuses too.
//
//go:embed testdata/sql
var statements embed.FS

// readStatements returns the statements of a file, in which \n stands for a line's
// end.
func readStatements(t *testing.T, name string, replace ...string) (list []string) {
	t.Helper()
	text, err := statements.ReadFile("testdata/sql/" + name)
	if err != nil {
		t.Fatal(err)
	}
	replace = append(replace, `\n`, "\n")
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, strings.NewReplacer(replace...).Replace(line))
		}
	}
	return list
}

// theSecret is what the rows have that fillSecrets makes, and anotherSecret what they
// have not.
const theSecret, anotherSecret = "493817", "493818"

// fillSecrets makes a row in each table that has secrets, some of them with the names
// that package auth gives its own.
func fillSecrets(t *testing.T, s storage.Store) {
	t.Helper()
	if err := s.Migrate(t.Context(), "auth", []string{
		`CREATE TABLE auth_users (id TEXT PRIMARY KEY, email TEXT, role TEXT, password_hash TEXT UNIQUE)`,
		`CREATE TABLE api_keys (id TEXT PRIMARY KEY, name TEXT, secret_hash TEXT)`,
		`CREATE TABLE auth_sessions (token_hash TEXT PRIMARY KEY, user_id TEXT)`,
		`CREATE TABLE auth_providers (name TEXT PRIMARY KEY, client_secret TEXT, client_secret_sealed TEXT)`,
		`CREATE TABLE auth_handovers (id TEXT PRIMARY KEY, token_hash TEXT)`,
	}); err != nil {
		t.Fatal(err)
	}
	rows := map[string][]any{
		`INSERT INTO auth_users VALUES ('u1', 'ann@example.com', 'user', ?), ('u2', 'bob@example.com', 'user', 'x')`: {theSecret},
		`INSERT INTO api_keys VALUES ('k1', 'laptop', ?)`:                                                            {theSecret},
		`INSERT INTO auth_sessions VALUES (?, 'u1')`:                                                                 {theSecret},
		`INSERT INTO auth_providers VALUES ('google', ?, ?)`:                                                         {theSecret, theSecret},
		`INSERT INTO auth_handovers VALUES (?, ?)`:                                                                   {theSecret, theSecret},
		`INSERT INTO keys (name, key_secret) VALUES ('k', ?)`:                                                        {[]byte(theSecret)},
		`INSERT INTO peers (name, url, token_secret, created_at) VALUES ('p', 'https://p', ?, 0)`:                    {theSecret},
		`INSERT INTO certificates (name, value_secret, updated_at) VALUES ('c', ?, 0)`:                               {[]byte(theSecret)},
		`INSERT INTO env_vars (app, name, value_sealed, updated_at) VALUES ('a', 'V', ?, 0)`:                         {[]byte(theSecret)},
	}
	if err := s.Write(t.Context(), func(q storage.SQL) error {
		for text, args := range rows {
			if _, err := q.Exec(text, args...); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	set(t, s, "k", `"value"`)
	// What an engine makes when it is first asked is there from now on.
	if _, err := s.Query(t.Context(), "SELECT 1", 1); err != nil {
		t.Fatal(err)
	}
}

// watched is what no statement may change.
func watched(t *testing.T, s storage.Store) (rows [][]any) {
	t.Helper()
	var texts []string
	for _, table := range []string{"apps", "kv", "docs", "changes", "sequence", "migrations", "config", "keys", "peers", "certificates", "leases",
		"auth_users", "api_keys", "auth_sessions", "audit", "env_vars", "indexes", "contents"} {
		texts = append(texts, fmt.Sprintf("SELECT '%s', count(*), 0 FROM %[1]s", table))
	}
	texts = append(texts, "SELECT 'revision', revision, 0 FROM changes", "SELECT 'value', 0, value FROM kv",
		"SELECT 'role', count(*), 0 FROM auth_users WHERE role = 'user'", "SELECT 'token', count(*), 0 FROM peers WHERE token_secret = '"+theSecret+"'",
		"SELECT 'password', count(*), 0 FROM auth_users WHERE password_hash = '"+theSecret+"'")
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		for _, text := range texts {
			err := q.Query(text, nil, func(scan func(...any) error) error {
				var name, value string
				var n int64
				err := scan(&name, &n, &value)
				rows = append(rows, []any{name, n, value})
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func testQueryWrites(t *testing.T, s storage.Store) {
	fillSecrets(t, s)
	before := watched(t, s)
	for _, text := range readStatements(t, "writes.txt") {
		table, err := s.Query(t.Context(), text, 10)
		if code := storage.CodeOf(err); code != storage.CodeReadOnly && code != storage.CodeInvalid {
			t.Errorf("%s: %+v, %v", text, table, err)
		}
	}
	diff(t, "after", before, watched(t, s))
}

func testQuerySecrets(t *testing.T, s storage.Store) {
	fillSecrets(t, s)
	answer := func(text string) (string, bool) {
		table, err := s.Query(t.Context(), text, 1000)
		if err != nil {
			return string(storage.CodeOf(err)), false
		}
		return fmt.Sprintf("%q", table.Rows), true
	}
	right, wrong := readStatements(t, "secrets.txt", "{guess}", theSecret), readStatements(t, "secrets.txt", "{guess}", anotherSecret)
	for i := range right {
		if strings.HasPrefix(right[i], "EXPLAIN SELECT") {
			continue // it shows the statement's own constants, and nothing else
		}
		got, _ := answer(right[i])
		if other, _ := answer(wrong[i]); other != got {
			t.Errorf("%s: %s, and for a wrong guess %s", right[i], got, other)
		}
		if strings.Contains(got, theSecret) {
			t.Errorf("%s: %s", right[i], got)
		}
	}
}

// testQueryDisk has each statement end, by its limits or by its deadline.
func testQueryDisk(t *testing.T, s storage.Store) {
	for _, text := range EndlessStatements(t) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		table, err := s.Query(ctx, text, 1)
		cancel()
		if err == nil && !table.Truncated {
			t.Errorf("%s: %d rows", text, len(table.Rows))
		}
	}
}

// EndlessStatements are queries that would fill the disk or the memory if they were
// let to.
func EndlessStatements(t *testing.T) []string {
	t.Helper()
	return readStatements(t, "disk.txt",
		"{endless}", "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c)",
		"{wide}", "'"+strings.Repeat("wide", 250)+"'")
}

func testExec(t *testing.T, s storage.Store) {
	d := publish(t, s, "shop", 3)
	fillSecrets(t, s)
	revision, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		statement string
		want      int64
	}{
		{"UPDATE kv SET value = '1' WHERE key = 'k'", 1},
		{" -- a comment\n UPDATE auth_users SET role = 'admin' WHERE id = 'u1';", 1},
		{"WITH x AS (SELECT 'u1' AS id) DELETE FROM auth_users WHERE id IN (SELECT id FROM x)", 1},
		{"DELETE FROM auth_users WHERE id = 'nobody'", 0},
		{"UPDATE apps SET title = 'The shop' WHERE id = '" + d.AppID + "'", 1},
		{"INSERT INTO auth_users (id, email, role) VALUES ('u3', '', 'user'), ('u4', '', 'user')", 2},
	} {
		n, err := s.Exec(t.Context(), tt.statement)
		if err != nil || n != tt.want {
			t.Errorf("%s: %d, %v", tt.statement, n, err)
		}
		changed, err := s.Revision(t.Context())
		if err != nil || changed <= revision {
			t.Errorf("%s: revision %d after %d, %v", tt.statement, changed, revision, err)
		}
		revision = changed
		entries, err := s.Audit(t.Context(), storage.AuditQuery{Limit: 1})
		text := strings.TrimSuffix(tt.statement[strings.IndexAny(tt.statement, "UWDI"):], ";")
		if err != nil || len(entries) != 1 || entries[0].Action != "sql.exec" || !strings.Contains(string(entries[0].Details), text[:20]) ||
			!strings.HasSuffix(string(entries[0].Details), fmt.Sprintf(`,"affected":%d}`, tt.want)) {
			t.Errorf("%s: the entry is %+v, %v", tt.statement, entries, err)
		}
	}
	for _, text := range []string{"UPDATE apps SET title = 'x' RETURNING id", "SELECT 1", "EXPLAIN DELETE FROM apps"} {
		if n, err := s.Exec(t.Context(), text); storage.CodeOf(err) != storage.CodeInvalid || !strings.Contains(err.Error(), "returns rows") {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	if _, err := s.Exec(t.Context(), "DELETE FROM audit"); storage.CodeOf(err) != storage.CodeReadOnly || strings.Contains(err.Error(), "only reads") {
		t.Errorf("what no statement changes: %v", err)
	}
	diff(t, "kv", "1", get(t, s, "k"))
	app, err := s.App(t.Context(), "shop")
	if err != nil || app.Title != "The shop" {
		t.Errorf("the app: %+v, %v", app, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Exec(ctx, "DELETE FROM kv"); err == nil {
		t.Error("a statement whose time was over was made")
	}
	diff(t, "kv", "1", get(t, s, "k"))
}

func testExecRefuses(t *testing.T, s storage.Store) {
	publish(t, s, "shop", 3)
	fillSecrets(t, s)
	before := watched(t, s)
	for _, guess := range []string{theSecret, anotherSecret} {
		for _, text := range readStatements(t, "exec.txt", "{guess}", guess) {
			n, err := s.Exec(t.Context(), text)
			if code := storage.CodeOf(err); code != storage.CodeReadOnly && code != storage.CodeInvalid {
				t.Errorf("%s: %d rows, %v", text, n, err)
			}
			if d := cmp.Diff(before, watched(t, s)); d != "" {
				t.Fatalf("%s (-before +after):\n%s", text, d)
			}
		}
	}
}

// testExecDocs: finds are right after documents were changed behind their indexes.
func testExecDocs(t *testing.T, s storage.Store) {
	d, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Manifest: []byte(`{}`), Indexes: map[string][]string{"items": {"n"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	own := storage.Scope{App: d.AppID}
	if err := s.Tx(t.Context(), own, func(tx storage.Tx) error {
		for i := range 20 {
			if _, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"id":"i%d","n":%d}`, i, i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found := func(n int) (count int) {
		if err := s.View(t.Context(), own, func(tx storage.Tx) error {
			var err error
			count, err = tx.Docs().Count("items", fmt.Appendf(nil, `{"n":%d}`, n))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return count
	}
	diff(t, "before", []int{1, 0}, []int{found(7), found(100)})
	if n, err := s.Exec(t.Context(), `UPDATE docs SET body = '{"id":"i7","n":100,"_createdAt":0,"_updatedAt":0}' WHERE id = 'i7' AND app = '`+d.AppID+`'`); n != 1 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	diff(t, "at once", []int{0, 1}, []int{found(7), found(100)})
	deadline := time.Now().Add(time.Minute)
	for {
		list, err := s.Indexes(t.Context(), d.AppID)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 1 && len(list[0].Indexes) == 1 && list[0].Indexes[0].Ready {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the index is not built again: %+v", list)
		}
		<-time.After(5 * time.Millisecond)
	}
	diff(t, "by the new index", []int{0, 1}, []int{found(7), found(100)})
}
