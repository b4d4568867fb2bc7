package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

var devCount atomic.Int64

func devDatabase(tb testing.TB) string {
	c, err := pgx.Connect(context.Background(), os.Getenv("P1_PG"))
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(context.Background())
	name := fmt.Sprintf("t%d_%d", os.Getpid(), devCount.Add(1))
	if _, err := c.Exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	return "postgres://postgres@127.0.0.1:54391/" + name
}
