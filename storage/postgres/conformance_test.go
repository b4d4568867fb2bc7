package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// Check compares the entries of indexes, and the counts, with the data.
func (e engine) Check(tb testing.TB) {
	tb.Helper()
	s := e.Open(tb, storage.Quotas{})
	defer s.Close()
	want, got := map[string]int{}, map[string]int{}
	if err := s.Read(tb.Context(), func(q storage.SQL) error {
		if err := q.Query(`SELECT x.id, x.field, d."user", d.seq, d.body FROM indexes x
			JOIN docs d ON d.app = x.app AND d.collection = x.collection WHERE x.state = 'ready'`, nil, func(scan func(...any) error) error {
			var id, seq int64
			var field, user, body string
			err := scan(&id, &field, &user, &seq, &body)
			want[fmt.Sprintf("%d %q %x %d", id, user, storage.IndexKey(body, storage.ParsePath(field)), seq)]++
			return err
		}); err != nil {
			return err
		}
		if err := q.Query(`SELECT e.index_id, e."user", e.value, e.seq FROM index_entries e JOIN indexes x ON x.id = e.index_id AND x.state = 'ready'
			JOIN collections c ON c.app = e.app AND c."user" = e."user" AND c.generation = e.generation`, nil, func(scan func(...any) error) error {
			var id, seq int64
			var user string
			var value []byte
			err := scan(&id, &user, &value, &seq)
			got[fmt.Sprintf("%d %q %x %d", id, user, value, seq)]++
			return err
		}); err != nil {
			return err
		}
		return q.Query(`SELECT c.app, c.name, c.count, c.bytes, count(d.id), coalesce(sum(octet_length(c.name) + octet_length(d.body)), 0)
			FROM collections c LEFT JOIN documents d ON d.app = c.app AND d."user" = c."user" AND d.collection = c.generation
			GROUP BY c.app, c."user", c.name, c.count, c.bytes`, nil, func(scan func(...any) error) error {
			var app, name string
			var count, bytes, docs, size int64
			err := scan(&app, &name, &count, &bytes, &docs, &size)
			if err == nil && (count != docs || bytes != size) {
				tb.Errorf("collection %s of %s: %d documents of %d bytes are counted, and %d of %d are there", name, app, count, bytes, docs, size)
			}
			return err
		})
	}); err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("entries of the indexes (-documents +index):\n%.2000s", diff)
	}
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
