package teststore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// free are databases that a test has done with, and that were emptied: to make one with
// all of its tables takes as long as many a test.
var free struct {
	mu   sync.Mutex
	urls []string
	made int
}

// emptyDatabase returns the URL of a database that is as good as new until the test ends.
func emptyDatabase(tb testing.TB) string {
	tb.Helper()
	cluster := pgtest.Shared(tb)
	free.mu.Lock()
	defer free.mu.Unlock()
	var url string
	if n := len(free.urls); n > 0 {
		url, free.urls = free.urls[n-1], free.urls[:n-1]
	} else {
		free.made++
		name := fmt.Sprintf("free%d", free.made)
		cluster.Exec(tb, "postgres", "CREATE DATABASE "+name+" OWNER fazt TEMPLATE template0")
		url = cluster.URL(name)
	}
	tb.Cleanup(func() { // when its stores have been closed
		if !empty(tb, url) {
			return // it goes with the cluster
		}
		free.mu.Lock()
		defer free.mu.Unlock()
		free.urls = append(free.urls, url)
	})
	return url
}

// ours are the modules whose tables may stay.
var ours = []string{"auth", "storage.catalogue", "storage.data"}

// empty removes all rows of a database, unless a test has made tables of its own.
func empty(tb testing.TB, url string) bool {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Errorf("teststore: %v", err)
		return false
	}
	defer conn.Close(ctx)
	modules, err := texts(ctx, conn, "SELECT DISTINCT module FROM migrations")
	if err != nil {
		return false // nobody has opened it
	}
	for _, m := range modules {
		if !slices.Contains(ours, m) {
			return false
		}
	}
	tables, err := texts(ctx, conn, `SELECT table_name FROM information_schema.tables
		WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'migrations'`)
	var all strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&all, "DELETE FROM %s; ", t)
	}
	all.WriteString("INSERT INTO sequence (id, value) VALUES (1, 0); INSERT INTO changes (name, revision) VALUES ('catalogue', 1)")
	if err == nil {
		_, err = conn.Exec(ctx, all.String(), pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		tb.Errorf("teststore: %v", err)
	}
	return err == nil
}

func texts(ctx context.Context, conn *pgx.Conn, query string) ([]string, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
