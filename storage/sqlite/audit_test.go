package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestSweepsAudit has one entry more than are kept, and then none.
func TestSweepsAudit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		add := func(first, n int) {
			if err := s.Write(t.Context(), func(q storage.SQL) error {
				_, err := q.Exec(`WITH RECURSIVE c(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM c WHERE n < ?)
					INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, actor_addr, action, target, details)
					SELECT printf('%08d', n), 0, '', '', '', '', '', '', '{}' FROM c`, first, first+n-1)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		add(1, storage.AuditRows)
		wait(2 * time.Minute)
		wantCount(t, s, "just enough", "SELECT count(*) FROM audit", storage.AuditRows)
		add(storage.AuditRows+1, 1234)
		wait(2 * time.Minute)
		wantCount(t, s, "swept", "SELECT count(*) FROM audit", storage.AuditRows)
		wantCount(t, s, "the oldest", "SELECT CAST(min(id) AS INTEGER) FROM audit", 1235)
		before := s.Stats().Batches
		wait(10 * time.Minute)
		if n := s.Stats().Batches - before; n != 0 {
			t.Errorf("%d transactions with nothing to sweep", n)
		}
	})
}

// olderFile makes a data file as a fazt with so many steps has left it.
func olderFile(t testing.TB, path string, steps int, data ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	statements := []string{fmt.Sprintf("PRAGMA application_id = %d", sqlite.ApplicationID), sqlite.Migrations}
	for i, step := range sqlite.Schema[:steps] {
		statements = append(statements, step, fmt.Sprintf("INSERT INTO migrations VALUES ('storage', %d, 0)", i+1))
	}
	for _, statement := range append(statements, data...) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpenAddsAudit opens a data file of a fazt that had no audit log.
func TestOpenAddsAudit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	olderFile(t, path, sqlite.StepsBeforeAudit, "INSERT INTO apps VALUES ('app', 'shop', 1, 0); INSERT INTO deployments VALUES ('app', 1, '{}', '', 0, 0, 0, '{}')")

	s := open(t, path)
	defer s.Close()
	app, err := s.App(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	key := api.Actor{Kind: api.ActorKey, ID: "k1"}
	if err := s.SetEnv(api.WithActor(t.Context(), key), app.ID, map[string][]byte{"A": []byte("x")}, "key"); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Audit(t.Context(), storage.AuditQuery{})
	if err != nil || len(entries) != 1 || entries[0].Actor != key || entries[0].Target != "shop" {
		t.Errorf("audit log: %+v, %v", entries, err)
	}
}
