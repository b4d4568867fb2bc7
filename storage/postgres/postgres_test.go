package postgres_test

import (
	"context"
	"fmt"
	"github.com/jackc/pgx/v5"
	"os"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/storage/postgres"
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

var count atomic.Int64

// database makes an empty database, and returns its URL.
func database(tb testing.TB) string {
	base := os.Getenv("P1_PG")
	c, err := pgx.Connect(context.Background(), base)
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(context.Background())
	name := fmt.Sprintf("t%d_%d", os.Getpid(), count.Add(1))
	if _, err := c.Exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	return "postgres://postgres@127.0.0.1:54391/" + name
}
