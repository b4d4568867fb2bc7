package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestBackupRemovesLeft: a copy whose process was killed long ago goes with the next,
// and one that is being made stays.
func TestBackupRemovesLeft(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	dir := t.TempDir()
	old := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{".fazt-old", ".fazt-new", "fazt-mine", ".fazt-backup-old/backup.db"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, filepath.Dir(path)} {
			if name == ".fazt-new" || p == dir {
				continue
			}
			if err := os.Chtimes(p, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "a.db"), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{".fazt-new", "a.db", "fazt-mine"}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
