package sqlite_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestQueryStaysInside tries what is SQLite's own: other files, settings,
// extensions, and the functions that the driver adds.
func TestQueryStaysInside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data.db")
	s := open(t, path)
	defer s.Close()
	for _, query := range []string{
		"ATTACH 'other.db' AS o", "ATTACH ':memory:' AS o", "DETACH main",
		"VACUUM INTO '" + filepath.Join(dir, "copy.db") + "'",
		"PRAGMA query_only = OFF", "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 7", "PRAGMA application_id = 7",
		"PRAGMA writable_schema = ON", "PRAGMA wal_checkpoint", "PRAGMA foreign_keys = OFF", "PRAGMA synchronous = OFF",
		"PRAGMA busy_timeout = 0", "PRAGMA database_list", "PRAGMA temp_store_directory = '/'", "PRAGMA mmap_size = 1",
		"SELECT * FROM pragma_database_list", "SELECT * FROM pragma_table_list", "PRAGMA application_id", "PRAGMA journal_mode",
		"SELECT load_extension('x')", "SELECT fts3_tokenizer('simple')", "SELECT auth_user_add('a', 'b', 1)",
		"SELECT auth_enabled()", "CREATE VIRTUAL TABLE temp.x USING rtree(a, b, c)",
		"SELECT length(zeroblob(100000000))", "SELECT printf('%.*c', 100000000, 'x')",
		"EXPLAIN DELETE FROM kv; DELETE FROM kv",
	} {
		table, err := s.Query(t.Context(), query, 10)
		if e, ok := errors.AsType[*storage.Error](err); !ok || e.Code != storage.CodeReadOnly && e.Code != storage.CodeInvalid {
			t.Errorf("%s: %+v, %v", query, table, err)
		}
	}
	for query, want := range map[string]any{
		"SELECT name FROM pragma_table_info('kv') LIMIT 1":         "app",
		"SELECT count(*) FROM sqlite_schema WHERE name = 'apps'":   int64(1),
		"SELECT json_extract('{\"a\":[1,2]}', '$.a[1]')":           int64(2),
		"WITH x(n) AS (VALUES (1), (2)) SELECT sum(n) FROM x":      int64(3),
		"PRAGMA integrity_check":                                   "ok",
		"SELECT upper(replace('a' || 'b', 'b', strftime('%Y',0)))": "A-4713",
	} {
		table, err := s.Query(t.Context(), query, 10)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if diff := cmp.Diff(want, table.Rows[0][0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestQueryBoundsItsBytes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	table, err := s.Query(t.Context(), "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT zeroblob(1000000) FROM c", 1000)
	if err != nil || !table.Truncated || len(table.Rows) != 33 {
		t.Errorf("%d rows, truncated %t, %v", len(table.Rows), table.Truncated, err)
	}
}

// TestQueryFile reads a file that a store has open, and the same one closed.
func TestQueryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		return tx.KV().Set("k", json.RawMessage(`"`+strings.Repeat("v", 1000)+`"`), 0)
	}); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		table, err := sqlite.QueryFile(t.Context(), path, "SELECT key, length(value) AS n FROM kv", 10)
		if err != nil {
			t.Errorf("%s: %v", when, err)
			return
		}
		want := &storage.Table{Columns: []string{"key", "n"}, Rows: [][]any{{"k", int64(1002)}}}
		if diff := cmp.Diff(want, table); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		_, err = sqlite.QueryFile(t.Context(), path, "DELETE FROM kv", 10)
		if storage.CodeOf(err) != storage.CodeReadOnly {
			t.Errorf("%s: a write: %v", when, err)
		}
	}
	check("open")
	// The query's connection is closed by now, and has not taken the locks of
	// the store's with it.
	if err := set(s, t.Context(), "other"); err != nil {
		t.Error(err)
	}
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error { _, err := tx.KV().Delete("other"); return err }); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check("closed")
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("a query has changed the file")
	}
	s = open(t, path)
	if err := set(s, t.Context(), "again"); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
