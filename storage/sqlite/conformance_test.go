package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(tb testing.TB, quotas storage.Quotas) storage.Store {
		return openWith(tb, filepath.Join(tb.TempDir(), "data.db"), sqlite.Options{Quotas: quotas})
	})
}

// open opens a data file; whoever asked for it closes it.
func open(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	return openWith(tb, path, sqlite.Options{})
}

func openWith(tb testing.TB, path string, opt sqlite.Options) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), path, opt)
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	return s
}
