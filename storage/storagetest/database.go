package storagetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

func testDatabase(t *testing.T, s storage.Store) {
	steps := []string{`CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, weight DOUBLE PRECISION, data BYTEA)`}
	if err := s.Migrate(t.Context(), "things", steps); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), func(q storage.SQL) error {
		n, err := q.Exec("INSERT INTO things (id, name, weight, data) VALUES (?, ?, ?, ?), (?, ?, ?, ?)",
			1, "one", 1.5, []byte{0, 1}, 2, sql.NullString{String: "two", Valid: true}, nil, nil)
		diff(t, "inserted", int64(2), n)
		if err != nil {
			return err
		}
		n, err = q.Exec("UPDATE things SET name = name || ?", "!")
		diff(t, "updated", int64(2), n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	type named string
	type thing struct {
		ID     int
		Name   named
		Weight *float64
		Data   []byte
		Null   sql.NullFloat64
	}
	var got []thing
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		return q.Query("SELECT id, name, weight, data, weight FROM things WHERE id > ? ORDER BY id", []any{0},
			func(scan func(...any) error) error {
				var x thing
				err := scan(&x.ID, &x.Name, &x.Weight, &x.Data, &x.Null)
				got = append(got, x)
				return err
			})
	}); err != nil {
		t.Fatal(err)
	}
	weight := 1.5
	diff(t, "rows", []thing{
		{1, "one!", &weight, []byte{0, 1}, sql.NullFloat64{Float64: 1.5, Valid: true}},
		{ID: 2, Name: "two!"},
	}, got)
	testDatabaseErrors(t, s)
}

func testDatabaseErrors(t *testing.T, s storage.Store) {
	failed := errors.New("the caller's own")
	tests := []struct {
		name string
		fn   func(storage.SQL) error
		code storage.Code
	}{
		{"taken", func(q storage.SQL) error {
			_, err := q.Exec("INSERT INTO things (id, name) VALUES (3, 'one!')")
			return err
		}, storage.CodeConflict},
		{"null", func(q storage.SQL) error { _, err := q.Exec("INSERT INTO things (id) VALUES (3)"); return err }, storage.CodeInvalid},
		{"syntax", func(q storage.SQL) error { _, err := q.Exec("INSERT INTO"); return err }, storage.CodeInvalid},
		{"commit", func(q storage.SQL) error { _, err := q.Exec(" -- done\n COMMIT"); return err }, storage.CodeInvalid},
		{"rollback", func(q storage.SQL) error { _, err := q.Exec("rollback"); return err }, storage.CodeInvalid},
		{"few arguments", func(q storage.SQL) error { _, err := q.Exec("DELETE FROM things WHERE id = ?"); return err }, storage.CodeInvalid},
		{"argument", func(q storage.SQL) error {
			_, err := q.Exec("DELETE FROM things WHERE id = ?", struct{}{})
			return err
		}, storage.CodeInvalid},
		{"scan NULL", func(q storage.SQL) error {
			return q.Query("SELECT NULL", nil, func(scan func(...any) error) error { var n int; return scan(&n) })
		}, storage.CodeInvalid},
		{"scan text", func(q storage.SQL) error {
			return q.Query("SELECT 'x'", nil, func(scan func(...any) error) error { var n int; return scan(&n) })
		}, storage.CodeInvalid},
		{"scan columns", func(q storage.SQL) error {
			return q.Query("SELECT 1, 2", nil, func(scan func(...any) error) error { var n int; return scan(&n) })
		}, storage.CodeInvalid},
		{"scan overflow", func(q storage.SQL) error {
			return q.Query("SELECT 300", nil, func(scan func(...any) error) error { var n int8; return scan(&n) })
		}, storage.CodeInvalid},
	}
	for _, tt := range tests {
		wantCode(t, tt.name, s.Write(t.Context(), tt.fn), tt.code)
	}
	err := s.Write(t.Context(), func(q storage.SQL) error {
		// A statement that returns rows may write too, and one that runs inside
		// another's rows sees what that has done.
		err := q.Query("UPDATE things SET weight = 9 RETURNING id", nil, func(scan func(...any) error) error {
			var id int
			if err := scan(&id); err != nil {
				return err
			}
			return q.Query("SELECT weight FROM things WHERE id = ?", []any{id}, func(scan func(...any) error) error {
				var w float64
				err := scan(&w)
				diff(t, "inner", 9.0, w)
				return err
			})
		})
		if err != nil {
			return err
		}
		return failed
	})
	if err != failed {
		t.Errorf("got %v, want the error as it is", err)
	}
	table, err := s.Query(t.Context(), "SELECT count(*) AS n FROM things WHERE weight = 9", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "undone", &storage.Table{Columns: []string{"n"}, Rows: [][]any{{int64(0)}}}, table)
}

func testMigrate(t *testing.T, s storage.Store) {
	steps := []string{
		`CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO things (id, name) VALUES (1, 'a;b');`,
		`UPDATE things SET name = name || '!'`,
	}
	var wg sync.WaitGroup
	for range 4 { // at once, and again
		wg.Go(func() {
			if err := s.Migrate(t.Context(), "things", steps); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	name := func() (name string) {
		if err := s.Read(t.Context(), func(q storage.SQL) error {
			return q.Query("SELECT name FROM things", nil, func(scan func(...any) error) error { return scan(&name) })
		}); err != nil {
			t.Fatal(err)
		}
		return name
	}
	diff(t, "each step once", "a;b!", name())

	// A step that fails leaves nothing of itself, and those before it stand.
	broken := append(steps, `UPDATE things SET name = 'c'`, `CREATE TABLE more (id INTEGER); INSERT INTO nowhere VALUES (1)`)
	if err := s.Migrate(t.Context(), "things", broken); err == nil || !strings.Contains(err.Error(), "step 4") {
		t.Errorf("a broken step: %v", err)
	}
	diff(t, "step 3", "c", name())
	if _, err := s.Query(t.Context(), "SELECT * FROM more", 1); err == nil {
		t.Error("half a step was kept")
	}
	err := s.Migrate(t.Context(), "things", steps)
	wantCode(t, "newer", err, storage.CodeFormat)
	if err != nil && (!strings.Contains(err.Error(), "3") || !strings.Contains(err.Error(), "2")) {
		t.Errorf("the versions are not named: %v", err)
	}
	if err := s.Migrate(t.Context(), "others", nil); err != nil {
		t.Errorf("no steps: %v", err)
	}
	table, err := s.Query(t.Context(), "SELECT module, step FROM migrations WHERE module = 'things' AND applied_at > 0 ORDER BY step", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "recorded", [][]any{{"things", int64(1)}, {"things", int64(2)}, {"things", int64(3)}}, table.Rows)
}

func testQuery(t *testing.T, s storage.Store) {
	tx(t, s, func(tx storage.Tx) error {
		for i := range 5 {
			if err := tx.KV().Set(fmt.Sprintf("k%d", i), fmt.Appendf(nil, "%d", i), 0); err != nil {
				return err
			}
		}
		return nil
	})
	put(t, s, "some", "\x00\xff")
	tests := []struct {
		name, query string
		limit       int
		want        *storage.Table
	}{
		{"types", "SELECT 1 AS a, 1.5 AS b, 'x' AS c, NULL AS d", 10,
			&storage.Table{Columns: []string{"a", "b", "c", "d"}, Rows: [][]any{{int64(1), 1.5, "x", nil}}}},
		{"bytes", "SELECT data FROM chunks", 10, &storage.Table{Columns: []string{"data"}, Rows: [][]any{{[]byte("\x00\xff")}}}},
		{"no rows", "SELECT key FROM kv WHERE key = 'none'", 10, &storage.Table{Columns: []string{"key"}, Rows: [][]any{}}},
		{"cut", "SELECT key FROM kv ORDER BY key", 2,
			&storage.Table{Columns: []string{"key"}, Rows: [][]any{{"k0"}, {"k1"}}, Truncated: true}},
		{"just enough", "SELECT key FROM kv WHERE key < 'k2' ORDER BY key;", 2,
			&storage.Table{Columns: []string{"key"}, Rows: [][]any{{"k0"}, {"k1"}}}},
		{"no limit", "SELECT count(*) AS n FROM kv -- of all; really", 0, &storage.Table{Columns: []string{"n"}, Rows: [][]any{{int64(5)}}}},
		{"semicolons inside", "/* ; */ SELECT ';' AS \"a;b\", ';''' AS \"c;d\" ; -- ;\n ;", 1,
			&storage.Table{Columns: []string{"a;b", "c;d"}, Rows: [][]any{{";", ";'"}}}},
		{"tables", "SELECT count(*) AS n FROM apps, files, deployments, docs, changes, migrations WHERE apps.name = ''", 1,
			&storage.Table{Columns: []string{"n"}, Rows: [][]any{{int64(0)}}}},
	}
	for _, tt := range tests {
		got, err := s.Query(t.Context(), tt.query, tt.limit)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		diff(t, tt.name, tt.want, got)
	}
	endless := "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Query(ctx, endless, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an endless query: %v", err)
	}
	rows, err := s.Query(t.Context(), strings.Replace(endless, "count(*)", "n", 1), 0)
	if err != nil || len(rows.Rows) != storage.MaxRows || !rows.Truncated {
		t.Errorf("endless rows: %v", err)
	}
}

func testQueryRefuses(t *testing.T, s storage.Store) {
	set(t, s, "k", `1`)
	for _, query := range []string{
		"", ";", "-- nothing", "/* nothing */",
		"SELECT 1; SELECT 2", "SELECT 1; DELETE FROM kv", "SELECT 1 ; x",
		"DELETE FROM kv", "UPDATE kv SET value = '2'", "INSERT INTO kv (app, user, key, value, version, expires_at) VALUES ('a','','b','1',1,0)",
		"DELETE FROM kv RETURNING key", "WITH x AS (SELECT 1) DELETE FROM kv",
		"DROP TABLE kv", "CREATE TABLE x (id INTEGER)", "CREATE TEMP TABLE x (id INTEGER)", "CREATE TEMP VIEW x AS SELECT 1",
		"ALTER TABLE kv ADD COLUMN x", "REINDEX", "ANALYZE", "VACUUM",
		"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "SAVEPOINT x",
		"SELECT * FROM nowhere", "SELECT", "SELECT ?", "SELECT 1\x00",
	} {
		if table, err := s.Query(t.Context(), query, 10); storage.CodeOf(err) != storage.CodeInvalid && storage.CodeOf(err) != storage.CodeReadOnly {
			t.Errorf("%q: %+v, %v", query, table, err)
		}
	}
	_, err := s.Query(t.Context(), "SELECT 1", -1)
	wantCode(t, "negative limit", err, storage.CodeInvalid)
	diff(t, "left", "1", get(t, s, "k"))
}

// testQueryHidesSecrets asks for the columns in the ways that a curious
// operator would, on tables such as package auth has.
func testQueryHidesSecrets(t *testing.T, s storage.Store) {
	secrets := []struct{ table, column string }{
		{"auth_sessions", "token_hash"}, {"api_keys", "secret_hash"}, {"auth_users", "password_hash"},
		{"auth_providers", "client_secret"}, {"auth_handovers", "token_hash"}, {"auth_handovers", "id"},
	}
	created := map[string]bool{}
	for _, c := range secrets {
		if !created[c.table] {
			created[c.table] = true
			if err := s.Migrate(t.Context(), c.table, []string{fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (id TEXT PRIMARY KEY, token_hash TEXT,
				secret_hash TEXT, password_hash TEXT, client_secret TEXT, value TEXT)`, c.table)}); err != nil {
				t.Fatal(err)
			}
			if err := s.Write(t.Context(), func(q storage.SQL) error {
				_, err := q.Exec(fmt.Sprintf("INSERT INTO %s VALUES ('hush', 'hush', 'hush', 'hush', 'hush', 'hush')", c.table))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, format := range []string{
			"SELECT %[2]s FROM %[1]s",
			"SELECT max(upper(%[2]s)) FROM %[1]s",
			"SELECT x FROM (SELECT %[2]s AS x FROM %[1]s) y",
			"WITH y AS (SELECT * FROM %[1]s) SELECT %[2]s FROM y",
			"SELECT id FROM %[1]s WHERE %[2]s LIKE 'hush'",
			"SELECT '' FROM %[1]s WHERE %[2]s = 'hush' OR length(%[2]s) > 0",
			"SELECT a.%[2]s FROM %[1]s a JOIN %[1]s b ON a.%[2]s = b.%[2]s",
			`SELECT "%[2]s" FROM "%[1]s" ORDER BY %[2]s`,
		} {
			query := fmt.Sprintf(format, c.table, c.column)
			table, err := s.Query(t.Context(), query, 10)
			if err != nil {
				t.Errorf("%s: %v", query, err)
				continue
			}
			for _, row := range table.Rows {
				for _, cell := range row {
					if cell != nil {
						t.Errorf("%s returned %v", query, cell)
					}
				}
			}
		}
	}
	table, err := s.Query(t.Context(), "SELECT id, token_hash FROM auth_sessions", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "what is no secret", [][]any{{"hush", nil}}, table.Rows)
	app := publish(t, s, "shop", 1).AppID
	if err := s.SetEnv(t.Context(), app, map[string][]byte{"KEY": []byte("hush")}, "key"); err != nil {
		t.Fatal(err)
	}
	table, err = s.Query(t.Context(), "SELECT name, value_sealed FROM env_vars WHERE value_sealed IS NULL", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "a variable", [][]any{{"KEY", nil}}, table.Rows)
	var value []byte
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		return q.Query("SELECT value_sealed FROM env_vars", nil, func(scan func(...any) error) error { return scan(&value) })
	}); err != nil {
		t.Fatal(err)
	}
	diff(t, "trusted code", "hush", string(value))
}
