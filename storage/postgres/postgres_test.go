package postgres_test

import (
	"testing"

	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// open opens a database, and closes it at the end of the test.
func open(tb testing.TB, url string) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), url, postgres.Options{})
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return s
}

// database makes an empty database, and returns its URL.
func database(tb testing.TB) string {
	tb.Helper()
	return pgtest.Shared(tb).Database(tb)
}
