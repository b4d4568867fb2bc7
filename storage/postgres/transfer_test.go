package postgres_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
	"github.com/fazt-sh/fazt/storage/transfer"
)

// TestMove carries everything from a data file to a database, to another database by a
// backup of the first, and back to a data file.
func TestMove(t *testing.T) {
	dir := t.TempDir()
	file, backup, back := filepath.Join(dir, "data.db"), filepath.Join(dir, "backup.db"), filepath.Join(dir, "back.db")
	modules := []sqlite.Module{{Name: storagetest.FillModule, Steps: storagetest.FillSteps()}}

	s, err := sqlite.Open(t.Context(), file, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	storagetest.FillAll(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	first := openEmpty(t)
	counts := move(t, sqlite.File(file), first)
	storagetest.CheckCounts(t, counts)
	if _, err := transfer.Move(t.Context(), sqlite.File(file), first, nil); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("into a database with data: %v", err)
	}
	if err := first.Backup(t.Context(), backup, nil); err != nil {
		t.Fatal(err)
	}
	second := openEmpty(t)
	if diff := cmp.Diff(counts, move(t, sqlite.File(backup), second)); diff != "" {
		t.Errorf("by a backup (-moved first +moved again):\n%s", diff)
	}
	if _, err := transfer.Move(t.Context(), second, sqlite.NewFile{Path: back, Modules: modules}, nil); err != nil {
		t.Fatal(err)
	}
	last, err := sqlite.Open(t.Context(), back, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer last.Close()
	for name, s := range map[string]storage.Store{"the database": first, "the other database": second, "the data file": last} {
		t.Log(name)
		storagetest.CheckAll(t, s)
	}
}

// openEmpty opens a new database that has the tables of the other module.
func openEmpty(t *testing.T) *postgres.Store {
	t.Helper()
	s := open(t, database(t))
	if err := s.Migrate(t.Context(), storagetest.FillModule, storagetest.FillSteps()); err != nil {
		t.Fatal(err)
	}
	return s
}

func move(t *testing.T, from transfer.Source, to transfer.Sink) transfer.Counts {
	t.Helper()
	counts, err := transfer.Move(t.Context(), from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}
