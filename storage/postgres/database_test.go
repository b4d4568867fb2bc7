package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

// TestDatabase has packages' own tables written and read.
func TestDatabase(t *testing.T) {
	s := open(t, database(t))
	steps := []string{
		`CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE)`,
		`CREATE INDEX things_name ON things (name)`,
	}
	if err := s.Migrate(t.Context(), "things", steps); err != nil {
		t.Fatal(err)
	}
	undone := errors.New("undone")
	err := s.Write(t.Context(), func(q storage.SQL) error {
		if _, err := q.Exec("INSERT INTO things (id, name) VALUES (?, ?)", 1, "one?"); err != nil {
			return err
		}
		_, err := q.Exec("INSERT INTO things (id, name) VALUES (?, '? -- no placeholder') /* ? */", 1)
		if storage.CodeOf(err) != storage.CodeConflict {
			t.Errorf("taken: %v", err)
		}
		_, err = q.Exec("INSERT INTO things (id, name) VALUES (?, ?)", 2, "two")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), func(q storage.SQL) error {
		if _, err := q.Exec("DELETE FROM things"); err != nil {
			return err
		}
		return undone
	}); err != undone {
		t.Errorf("got %v, want the error as it is", err)
	}
	var names []string
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		return q.Query("SELECT name FROM things ORDER BY id", nil, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one?", "two"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// TestWritesShareTransactions has many callers count, on several Stores of one database:
// none is lost.
func TestWritesShareTransactions(t *testing.T) {
	url := database(t)
	stores := []*postgres.Store{open(t, url), open(t, url)}
	if err := stores[0].Migrate(t.Context(), "counts", []string{`CREATE TABLE counts (name TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)`}); err != nil {
		t.Fatal(err)
	}
	const callers, each = 16, 20
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for range each {
				err := stores[i%2].Write(context.Background(), func(q storage.SQL) error {
					n := 0
					if err := q.Query("SELECT n FROM counts WHERE name = ?", []any{"all"}, func(scan func(...any) error) error { return scan(&n) }); err != nil {
						return err
					}
					_, err := q.Exec("INSERT INTO counts (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = excluded.n", "all", n+1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	n := 0
	if err := stores[0].Read(t.Context(), func(q storage.SQL) error {
		return q.Query("SELECT n FROM counts", nil, func(scan func(...any) error) error { return scan(&n) })
	}); err != nil || n != callers*each {
		t.Errorf("counted %d, %v; want %d", n, err, callers*each)
	}
}

// TestStartAtOnce opens a new database many times at once.
func TestStartAtOnce(t *testing.T) {
	url := database(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), url, postgres.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Migrate(t.Context(), "one", []string{`CREATE TABLE one (id BIGINT NOT NULL PRIMARY KEY)`, fmt.Sprintf(`INSERT INTO one (id) VALUES (%d)`, i)}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestStepThatWasNotRecorded runs steps that have run already.
func TestStepThatWasNotRecorded(t *testing.T) {
	s := open(t, database(t))
	steps := []string{
		`CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY, name TEXT)`,
		`CREATE INDEX things_name ON things (name)`,
		`INSERT INTO things (id) VALUES (1)`,
		`ALTER TABLE things ADD COLUMN more TEXT`,
		`ALTER TABLE things DROP COLUMN name`,
		`CREATE TABLE gone (id BIGINT)`,
		`DROP TABLE gone`,
	}
	for n := range steps {
		if err := s.Migrate(t.Context(), "things", steps[:n+1]); err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), func(q storage.SQL) error {
			_, err := q.Exec("DELETE FROM migrations WHERE module = 'things' AND step = ?", n+1)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context(), "things", steps[:n+1]); err != nil {
			t.Errorf("%s: %v", steps[n], err)
		}
	}
	if err := s.Migrate(t.Context(), "things", append(steps, "INSERT INTO nowhere (id) VALUES (1)")); err == nil {
		t.Error("a step that is broken ran")
	}
	if err := s.Migrate(t.Context(), "things", steps[:1]); storage.CodeOf(err) != storage.CodeFormat {
		t.Errorf("newer: %v", err)
	}
}

// TestReadsAtOnce has many callers read rows of different shapes, on few connections.
func TestReadsAtOnce(t *testing.T) {
	s := open(t, database(t)+"&pool_max_conns=4")
	own := storage.Scope{App: "app"}
	if err := s.Tx(t.Context(), own, func(tx storage.Tx) error {
		if _, err := tx.Docs().Insert("c", json.RawMessage(`{"id":"d","n":1}`)); err != nil {
			return err
		}
		return tx.KV().Set("k", json.RawMessage(`"value"`), 0)
	}); err != nil {
		t.Fatal(err)
	}
	reads := []func() error{
		func() error {
			e, err := s.Get(t.Context(), own, "k")
			if err == nil && string(e.Value) != `"value"` {
				err = fmt.Errorf("the value is %s", e.Value)
			}
			return err
		},
		func() error {
			docs, err := s.Find(t.Context(), own, "c", json.RawMessage(`{"id":"d"}`), storage.FindOptions{})
			if err == nil && len(docs) != 1 {
				err = fmt.Errorf("found %s", docs)
			}
			return err
		},
		func() error {
			u, err := s.Usage(t.Context(), own.App)
			if err == nil && u.Used == 0 {
				err = fmt.Errorf("uses %+v", u)
			}
			return err
		},
		func() error {
			return s.View(t.Context(), own, func(tx storage.Tx) error { _, err := tx.KV().Get("k"); return err })
		},
		func() error { _, err := s.Revision(t.Context()); return err },
	}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for n := range 300 {
				if err := reads[(i+n)%len(reads)](); err != nil {
					t.Errorf("read %d: %v", (i+n)%len(reads), err)
					return
				}
			}
		})
	}
	wg.Wait()
}
