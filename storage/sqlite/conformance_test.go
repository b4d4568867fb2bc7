package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(tb testing.TB) storage.Store { return open(tb, filepath.Join(tb.TempDir(), "data.db")) })
}

// open opens a data file; whoever asked for it closes it.
func open(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), path, sqlite.Options{})
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	return s
}
