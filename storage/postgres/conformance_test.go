package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
	"github.com/fazt-sh/fazt/storage/transfer"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(tb testing.TB) storagetest.Engine { return engine{database(tb)} })
}

// engine is what the suite tests: a database of its own.
type engine struct{ url string }

var _ interface {
	storagetest.Engine
	storagetest.Killer
	storagetest.Restorer
	storagetest.Checker
	storagetest.Lacker
} = engine{}

func (e engine) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), e.url, postgres.Options{Quotas: quotas})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (e engine) Reopen(tb testing.TB) storage.Store { return e.Open(tb, storage.Quotas{}) }

// Restore fills a database of its own, as one does who moves to another.
func (e engine) Restore(tb testing.TB, backup string) storage.Store {
	tb.Helper()
	s := engine{database(tb)}.Open(tb, storage.Quotas{}).(*postgres.Store)
	if _, err := transfer.Move(tb.Context(), sqlite.File(backup), s, nil); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (e engine) Lacks(capability string) string {
	if capability == "Filer" {
		return "the data is not in a file of this machine's"
	}
	return ""
}

// Check compares the entries of indexes, and what is counted, with the data.
func (e engine) Check(tb testing.TB) {
	tb.Helper()
	s := e.Open(tb, storage.Quotas{})
	defer s.Close()
	verify(tb, s)
}

// writerURL tells the test program that it is the process that writes until it is killed.
const writerURL, writerApp, writerRound = "FAZT_TEST_WRITER_URL", "FAZT_TEST_WRITER_APP", "FAZT_TEST_WRITER_ROUND"

func (e engine) StartWriter(tb testing.TB, app string, round int) storagetest.Process {
	tb.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), writerURL+"="+e.url, writerApp+"="+app, fmt.Sprintf("%s=%d", writerRound, round))
	c.Stderr = tb.Output()
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	return storagetest.Process{Output: out, Kill: c.Process.Kill, Wait: func() { c.Wait() }}
}

// TestMain is that process, if it is told so.
func TestMain(m *testing.M) {
	if url := os.Getenv(holderURL); url != "" {
		holdLease(url)
	}
	url := os.Getenv(writerURL)
	if url == "" {
		os.Exit(m.Run())
	}
	s, err := postgres.Open(context.Background(), url, postgres.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	storagetest.WriteUntilKilled(s, os.Getenv(writerApp), os.Getenv(writerRound), os.Stdout)
}
