package sqlite_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
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

// TestNearlyFullDisk: what is large is refused before it takes the room that every app's
// small writes, and the write-ahead log, need to go on.
func TestNearlyFullDisk(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	large := bytes.Repeat([]byte("x"), 1<<20)
	content := func(data []byte) storage.Content {
		sum := sha256.Sum256(data)
		return storage.Content{App: "app", Hash: hex.EncodeToString(sum[:]), Data: bytes.NewReader(data)}
	}
	put := func(path string, body []byte) error {
		_, err := s.PutBlob(t.Context(), storage.Scope{App: "app"}, path, bytes.NewReader(body), "text/plain")
		return err
	}
	if err := s.PutContent(t.Context(), content(large)); err != nil {
		t.Fatal(err)
	}
	sqlite.HasFree(s, 63<<20)
	for name, err := range map[string]error{
		"a file":       s.PutContent(t.Context(), content([]byte("small"))),
		"a large blob": put("large", large),
	} {
		if e, ok := errors.AsType[*storage.Error](err); !ok || e.Code != storage.CodeUnavailable || !strings.Contains(err.Error(), "nearly full") {
			t.Errorf("%s: %v, want that the disk is nearly full", name, err)
		}
	}
	for name, err := range map[string]error{
		"a file that is there": s.PutContent(t.Context(), content(large)),
		"a small blob":         put("small", []byte("small")),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
