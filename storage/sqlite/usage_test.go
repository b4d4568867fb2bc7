package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

const recount = `SELECT (SELECT coalesce(sum(64 + octet_length(key) + octet_length(value)), 0) FROM kv)
	+ (SELECT coalesce(sum(64 + octet_length(collection) + octet_length(body)), 0) FROM docs)
	+ (SELECT coalesce(sum(64 + size + octet_length(path) + octet_length(mime)), 0) FROM blobs)`

// wantUsage compares what is counted for the only app with what is there.
func wantUsage(t *testing.T, s *sqlite.Store) storage.Usage {
	t.Helper()
	u, err := s.Usage(t.Context(), scope.App)
	if err != nil {
		t.Fatal(err)
	}
	if want := count(t, s, recount); u.Used != want || u.Used > u.Allowed {
		t.Errorf("%+v, want %d used", u, want)
	}
	return u
}

var fillQuotas = storage.Quotas{Total: 50_000}

// fillChild writes keys of its own until the app is full, and says so.
func fillChild(args []string) error {
	s, err := sqlite.Open(context.Background(), args[0], sqlite.Options{Quotas: fillQuotas})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	waitForEnd()
	return errors.Join(fillApp(s, args[1]), s.Close())
}

func fillApp(s *sqlite.Store, prefix string) error {
	for i := 0; ; i++ {
		err := s.Tx(context.Background(), scope, func(tx storage.Tx) error {
			return tx.KV().Set(fmt.Sprint(prefix, i), benchValue, 0)
		})
		if storage.CodeOf(err) == storage.CodeQuotaExceeded {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// TestQuotaAcrossProcesses has two processes fill an app at once, and opens the
// file again afterwards.
func TestQuotaAcrossProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := openWith(t, path, sqlite.Options{Quotas: fillQuotas})
	c := startChild(t, "fill", path, "child-")
	c.line(t)
	c.stdin.Close()
	if err := fillApp(s, "parent-"); err != nil {
		t.Error(err)
	}
	c.finish(t)
	if u := wantUsage(t, s); u.Used < u.Allowed-300 {
		t.Errorf("%+v: refused with room left", u)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openWith(t, path, sqlite.Options{Quotas: fillQuotas})
	defer s.Close()
	wantUsage(t, s)
	if err := fillApp(s, "again-"); err != nil {
		t.Error(err)
	}
	wantUsage(t, s)
	// An operator's own statements count too.
	if err := s.Write(t.Context(), func(q storage.SQL) error {
		_, err := q.Exec("DELETE FROM kv WHERE key LIKE ?", "parent-%")
		return err
	}); err != nil {
		t.Error(err)
	}
	wantUsage(t, s)
}

// TestMigratesOlderFiles opens a file that has the first tables only, with data
// of every kind that they held.
func TestMigratesOlderFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		fmt.Sprintf("PRAGMA application_id = %d", sqlite.ApplicationID), sqlite.Migrations, sqlite.Schema[0],
		`INSERT INTO migrations VALUES ('storage', 1, 0);
		UPDATE sequence SET value = 10;
		INSERT INTO kv VALUES ('app', '', 'k', '"v"', 1, 0), ('app', 'u', 'k', '1', 2, 0);
		INSERT INTO docs VALUES ('app', '', 'c', 3, 'd', '{"id":"d"}', 0, 0);
		INSERT INTO apps VALUES ('app', 'shop', 1, 0);
		INSERT INTO deployments VALUES ('app', 1, '{}', '', 1, 5, 0);
		INSERT INTO files VALUES ('app', 1, 'a', 'h', 5, 'gzip');
		INSERT INTO contents VALUES (4, 'h', '', 5, 1, 0), (5, 'h', 'gzip', 1, 1, 0), (6, 'x', '', 5, 0, 0);
		INSERT INTO chunks VALUES (4, 0, x'68656c6c6f'), (5, 0, x'7a'), (6, 0, x'00');`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	defer s.Close()
	if u := wantUsage(t, s); u.Used != 1+3+1+1+1+10+3*storage.RowBytes {
		t.Errorf("%+v", u)
	}
	files, err := s.Files(t.Context(), "app", 1)
	if err != nil || len(files) != 1 || strings.Join(files[0].Encodings, " ") != "gzip" {
		t.Errorf("%+v, %v", files, err)
	}
	r, err := s.OpenContent(t.Context(), "h", "")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wantCount(t, s, "what was being uploaded and is not on its way out", `SELECT (SELECT count(*) FROM contents WHERE id = 6)
		+ (SELECT count(*) FROM chunks WHERE content = 6 AND NOT EXISTS (SELECT 1 FROM loose_bodies WHERE id = 6))`, 0)
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error { return tx.KV().Set("k", json.RawMessage(`"longer"`), 0) }); err != nil {
		t.Error(err)
	}
	wantUsage(t, s)
	if _, err := s.Rollback(t.Context(), "app", 1, 3); err != nil {
		t.Error(err)
	}
}
