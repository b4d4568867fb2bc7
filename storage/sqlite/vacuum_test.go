package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestDataFileShrinks fills a data file, empties it and waits until it is small, while
// somebody writes.
func TestDataFileShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	defer s.Close()
	fillLarge(t, s, 60)
	full := fold(t, s, path)
	if full < 60<<20 {
		t.Fatalf("the data file has %d bytes", full)
	}
	emptyLarge(t, s)
	for writes := 0; ; writes++ {
		if err := set(s, t.Context(), fmt.Sprint("beside", writes%100)); err != nil {
			t.Fatal(err)
		}
		if size := fold(t, s, path); size < 16<<20 {
			t.Logf("from %d to %d bytes beside %d writes", full, size, writes)
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the data file does not shrink")
		default:
		}
	}
	wantSound(t, s)
	wantUsage(t, s)
}

// shrinkChild opens a data file of which much is free, says when it has become smaller,
// and goes on until it is killed.
func shrinkChild(args []string) error {
	s, err := sqlite.Open(context.Background(), args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	first, err := freePages(s)
	for free := first; err == nil && free > first*9/10; {
		free, err = freePages(s)
	}
	fmt.Println("shrinking")
	waitForEnd()
	return errors.Join(err, s.Close())
}

func freePages(s *sqlite.Store) (int64, error) {
	table, err := s.Query(context.Background(), "PRAGMA freelist_count", 1)
	if err != nil {
		return 0, err
	}
	return table.Rows[0][0].(int64), nil
}

// TestKilledWhileItShrinks kills a process in the middle of it. The next goes on.
func TestKilledWhileItShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	fillLarge(t, s, 40)
	if err := set(s, t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	fold(t, s, path)
	emptyLarge(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c := startChild(t, "shrink", path)
		c.line(t)
		c.Process.Kill()
		c.Wait()
	}
	s = open(t, path)
	defer s.Close()
	wantSound(t, s)
	wantUsage(t, s)
	if !has(t, s, "k") {
		t.Error("what was stored is lost")
	}
	for fold(t, s, path) > 16<<20 {
		if t.Context().Err() != nil {
			t.Fatal("it does not go on")
		}
		runtime.Gosched()
	}
}

// TestRestoreLetsShrink restores a data file of an older fazt, which can't be made
// smaller. The new one can.
func TestRestoreLetsShrink(t *testing.T) {
	old, restored := filepath.Join(t.TempDir(), "old.db"), filepath.Join(t.TempDir(), "new.db")
	sqlOn(t, old, "VACUUM", fmt.Sprintf("PRAGMA application_id = %d", sqlite.ApplicationID))
	s := open(t, old)
	fillLarge(t, s, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := sqlOn(t, old, "PRAGMA auto_vacuum"); got != 0 {
		t.Fatalf("the older file has mode %d", got)
	}
	if err := sqlite.Restore(t.Context(), old, restored, false, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(restored); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := sqlOn(t, restored, "PRAGMA auto_vacuum"); got != 2 {
		t.Errorf("the new one has mode %d", got)
	}
	s = open(t, restored)
	defer s.Close()
	wantSound(t, s)
	wantUsage(t, s)
	if !has(t, s, "large2") {
		t.Error("what was stored is lost")
	}
}

// sqlOn runs statements on a data file that nobody has open, and returns the number that
// the last has in its first row, if it has one.
func sqlOn(t *testing.T, path string, statements ...string) (n int64) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if err := db.QueryRow(statement).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
	}
	return n
}

// fillLarge stores so many MB.
func fillLarge(t *testing.T, s *sqlite.Store, mb int) {
	t.Helper()
	value := fmt.Appendf(nil, "%q", strings.Repeat("v", 1<<20-3))
	for i := range mb {
		if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			return tx.KV().Set(fmt.Sprint("large", i), value, 0)
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// emptyLarge removes them.
func emptyLarge(t *testing.T, s *sqlite.Store) {
	t.Helper()
	for i := 0; ; i++ {
		there := false
		if err := s.Tx(t.Context(), scope, func(tx storage.Tx) (err error) {
			there, err = tx.KV().Delete(fmt.Sprint("large", i))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !there {
			sqlite.Vacuum(s)
			return
		}
	}
}

// fold has the log folded into the data file, and returns how large that is.
func fold(t *testing.T, s *sqlite.Store, path string) int64 {
	t.Helper()
	sqlite.Fold(s)
	return sizeOf(t, path)
}

func wantSound(t *testing.T, s *sqlite.Store) {
	t.Helper()
	table, err := s.Query(t.Context(), "PRAGMA integrity_check", 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(table.Rows); got != "[[ok]]" {
		t.Error(got)
	}
}
