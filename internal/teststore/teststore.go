// Package teststore opens the stores of tests that are to hold on every engine. Which
// one they run on, the environment variable FAZT_TEST_STORE says: sqlite, which is the
// default, or postgres.
package teststore

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// Engine is the name of the engine that tests run on.
func Engine(tb testing.TB) string {
	tb.Helper()
	switch name := os.Getenv("FAZT_TEST_STORE"); name {
	case "", "sqlite":
		return "sqlite"
	case "postgres":
		return name
	default:
		tb.Fatalf("FAZT_TEST_STORE is %q; set it to sqlite or postgres", name)
		return ""
	}
}

// Data is an empty set of data of a test, which any number of stores may have open.
type Data struct {
	file string // of sqlite
	url  string // of postgres
}

// New makes one. It is gone when the test has ended.
func New(tb testing.TB) *Data {
	tb.Helper()
	if Engine(tb) == "postgres" {
		return &Data{url: emptyDatabase(tb)}
	}
	return &Data{file: filepath.Join(tb.TempDir(), "data.db")}
}

// Open opens the data, as another server would, until the test ends.
func (d *Data) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	tb.Helper()
	var s storage.Store
	var err error
	if d.url != "" {
		s, err = postgres.Open(tb.Context(), d.url, postgres.Options{Quotas: quotas})
	} else {
		s, err = sqlite.Open(tb.Context(), d.file, sqlite.Options{Quotas: quotas})
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Open opens a store on data of its own.
func Open(tb testing.TB) storage.Store {
	tb.Helper()
	return New(tb).Open(tb, storage.Quotas{})
}

var (
	mu    sync.Mutex
	known = make(map[string]*Data) // by the data file that it stands for
)

// InPlaceOf opens a store for a server that a test starts with a data file, if the engine
// is another one: the same data for the same file. It returns nil if it is sqlite.
func InPlaceOf(tb testing.TB, file string, quotas storage.Quotas) storage.Store {
	tb.Helper()
	if Engine(tb) == "sqlite" {
		return nil
	}
	mu.Lock()
	d := known[file]
	if d == nil {
		d = New(tb)
		known[file] = d
		tb.Cleanup(func() {
			mu.Lock()
			defer mu.Unlock()
			delete(known, file)
		})
	}
	mu.Unlock()
	return d.Open(tb, quotas)
}
