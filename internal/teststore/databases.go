package teststore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// template is the database that those of tests are copies of: to make all tables takes
// longer than many a test.
const template = "template_fazt"

var (
	makeTemplate sync.Once
	templateErr  error
	copies       atomic.Int64
)

// emptyDatabase makes a database that has all tables and nothing in them, and returns its
// URL. It is removed when the test has ended.
func emptyDatabase(tb testing.TB) string {
	tb.Helper()
	cluster := pgtest.Shared(tb)
	makeTemplate.Do(func() {
		cluster.Exec(tb, "postgres", "CREATE DATABASE "+template+" OWNER fazt TEMPLATE template0")
		templateErr = fill(cluster.URL(template))
	})
	if templateErr != nil {
		tb.Fatalf("teststore: %v", templateErr)
	}
	name := fmt.Sprintf("copy%d", copies.Add(1))
	cluster.Exec(tb, "postgres", "CREATE DATABASE "+name+" OWNER fazt TEMPLATE "+template)
	tb.Cleanup(func() { cluster.Exec(tb, "postgres", "DROP DATABASE "+name+" WITH (FORCE)") })
	return cluster.URL(name)
}

func fill(url string) error {
	ctx := context.Background()
	s, err := postgres.Open(ctx, url, postgres.Options{})
	if err != nil {
		return err
	}
	module, steps := auth.Schema()
	if err := s.Migrate(ctx, module, steps); err != nil {
		s.Close()
		return err
	}
	return s.Close()
}
