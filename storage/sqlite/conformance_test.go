package sqlite_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(tb testing.TB) storagetest.Engine {
		return dataFile{path: filepath.Join(tb.TempDir(), "data.db"), writer: "crash"}
	})
}

// dataFile is what the suite tests. It has all of the suite's capabilities.
type dataFile struct {
	path   string
	writer string // the child that writes until it is killed
}

var _ interface {
	storagetest.Engine
	storagetest.Killer
	storagetest.Restorer
	storagetest.Filer
	storagetest.Checker
} = dataFile{}

func (f dataFile) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	return openWith(tb, f.path, sqlite.Options{Quotas: quotas})
}

func (f dataFile) Reopen(tb testing.TB) storage.Store { return open(tb, f.path) }

func (f dataFile) Restore(tb testing.TB, backup string) storage.Store {
	path := filepath.Join(tb.TempDir(), "restored.db")
	if err := sqlite.Restore(tb.Context(), backup, path, false, nil); err != nil {
		tb.Fatal(err)
	}
	return open(tb, path)
}

func (f dataFile) File() string { return f.path }

func (f dataFile) StartWriter(tb testing.TB, app string, round int) storagetest.Process {
	c := startChild(tb, f.writer, f.path, app, strconv.Itoa(round))
	return storagetest.Process{Output: c.stdout, Kill: c.Process.Kill, Wait: func() { c.Wait() }}
}

// Check has SQLite look at every page, and compares the entries of indexes with
// the documents.
func (f dataFile) Check(tb testing.TB) {
	tb.Helper()
	s := open(tb, f.path)
	defer s.Close()
	if check := text(tb, s, "PRAGMA integrity_check"); check != "ok" {
		tb.Errorf("integrity: %s", check)
	}
	verifyIndexes(tb, s)
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
