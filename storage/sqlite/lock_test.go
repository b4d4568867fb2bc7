package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestOpenWhileLocked: what another program's transaction holds up is writing, and not
// opening or reading; and when it has ended, all is as if it had not been.
func TestOpenWhileLocked(t *testing.T) {
	for name, served := range map[string]bool{"closed": false, "open elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.db")
			first := open(t, path)
			if err := set(first, t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if served {
				defer first.Close()
			} else if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			other, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate")
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			lock, err := other.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Rollback()

			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if !has(t, s, "k") {
				t.Error("what was written before cannot be read")
			}
			if err := s.Migrate(t.Context(), "test", nil); err != nil {
				t.Errorf("a migration with nothing to do: %v", err)
			}
			short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if err := set(s, short, "during"); err == nil {
				t.Error("a write was made under another program's lock")
			}
			if err := lock.Rollback(); err != nil {
				t.Fatal(err)
			}
			// The first may share the transaction that has waited for the lock.
			for _, key := range []string{"after", "and again"} {
				if err := set(s, t.Context(), key); err != nil {
					t.Errorf("a write when the lock is free: %v", err)
				}
			}
			if _, err := os.Stat(path + "-wal"); err != nil {
				t.Errorf("the data file has no log: %v", err)
			}
		})
	}
}
