package clustertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// rounds is how often the primary dies.
func rounds() int {
	if os.Getenv("FAZT_LONG") == "1" {
		return 10
	}
	return 2
}

var scope = storage.Scope{App: "app"}

// outcome is what came of a write.
type outcome struct {
	key  string
	err  error // nil: acknowledged
	at   time.Time
	seen bool // by a read, whatever the write was told
}

// load writes a key and a document at a time from many goroutines, as fast as it goes,
// each with a time of its own.
type load struct {
	store   storage.Store
	timeout time.Duration

	mu       sync.Mutex
	outcomes []outcome
}

func (l *load) run(ctx context.Context, name string, n int) (wait func()) {
	var all sync.WaitGroup
	for id := range n {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Sprintf("%s-%d-%d", name, id, i)
				o := outcome{key: key, err: l.write(ctx, key), at: time.Now()}
				if o.err != nil && ctx.Err() == nil {
					o.seen = l.sees(ctx, key)
				}
				l.mu.Lock()
				l.outcomes = append(l.outcomes, o)
				l.mu.Unlock()
			}
		})
	}
	return all.Wait
}

// write is not ended by ctx, so that every write is told what became of it.
func (l *load) write(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.timeout)
	defer cancel()
	return l.store.Tx(ctx, scope, func(tx storage.Tx) error {
		if err := tx.KV().Set(key, json.RawMessage(`1`), 0); err != nil {
			return err
		}
		_, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"id":%q}`, key))
		return err
	})
}

// sees reports whether a read finds a key: it is acknowledged by that, too.
func (l *load) sees(ctx context.Context, key string) bool {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	_, err := l.store.Get(ctx, scope, key)
	return err == nil
}

// count is how many writes came to an end that is of a kind.
func (l *load) count(of func(outcome) bool) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.outcomes {
		if of(o) {
			n++
		}
	}
	return n
}

func acknowledged(o outcome) bool { return o.err == nil }

// check compares a store with what the writes were told.
func (l *load) check(t *testing.T, s storage.Store) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	told := map[string]int{}
	for chunk := range slices.Chunk(l.outcomes, 500) {
		err := s.View(t.Context(), scope, func(tx storage.Tx) error {
			for _, o := range chunk {
				e, err := tx.KV().Get(o.key)
				if err != nil && storage.CodeOf(err) != storage.CodeNotFound {
					return err
				}
				n, err := tx.Docs().Count("items", fmt.Appendf(nil, `{"id":%q}`, o.key))
				if err != nil {
					return err
				}
				there := e.Version > 0
				if there != (n == 1) {
					t.Errorf("%s is there by half: %d documents", o.key, n)
				}
				code := storage.CodeOf(o.err)
				switch {
				case o.err == nil:
					code = "acknowledged"
				case code == "" && errors.Is(o.err, context.DeadlineExceeded):
					code = "not started"
				case code == "":
					t.Errorf("%s is told what no program can tell from others: %v", o.key, o.err)
				}
				told[string(code)]++
				switch {
				case o.err == nil && !there:
					t.Errorf("%s was acknowledged, and is lost", o.key)
				case o.seen && !there:
					t.Errorf("%s was read, and is lost: its write had been told %v", o.key, o.err)
				case o.err != nil && code != storage.CodeUncertain && there:
					t.Errorf("%s is there, and its write was told: %v", o.key, o.err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("what the writes were told: %v", told)
}

// TestFailOver kills the primary under full load, and promotes its standby.
func TestFailOver(t *testing.T) {
	primary := pgtest.Start(t)
	database := pgtest.Name(primary.Database(t))
	for round := range rounds() {
		standby := primary.Standby(t)
		s := openBoth(t, database, primary, standby)
		l := &load{store: s, timeout: 3 * time.Second}
		ctx, cancel := context.WithCancel(t.Context())
		wait := l.run(ctx, fmt.Sprint("round", round), 32)
		until(t, "500 writes", func() bool { return l.count(acknowledged) >= 500 })
		killed := time.Now()
		primary.Kill(t)
		standby.Promote(t)
		promoted := time.Now()
		after := func(o outcome) bool { return acknowledged(o) && o.at.After(promoted) }
		until(t, "500 writes after the fail-over", func() bool { return l.count(after) >= 500 })
		cancel()
		wait()
		t.Logf("round %d: no write was acknowledged for %v; the standby was promoted %v after the kill",
			round, l.gap().Round(time.Millisecond), promoted.Sub(killed).Round(time.Millisecond))
		l.check(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		primary = standby
	}
}

// gap is the longest time in which no write was acknowledged.
func (l *load) gap() (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last time.Time
	for _, o := range slices.SortedFunc(slices.Values(l.outcomes), func(a, b outcome) int { return a.at.Compare(b.at) }) {
		if !acknowledged(o) {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, o.at.Sub(last))
		}
		last = o.at
	}
	return longest
}

// TestFailOverUncertain has the standby stop answering until the writes' time is over,
// before the primary dies: nobody may have been told that such a write was made, nor have
// read it.
func TestFailOverUncertain(t *testing.T) {
	primary := pgtest.Start(t)
	database := pgtest.Name(primary.Database(t))
	for round := range rounds() {
		standby := primary.Standby(t)
		s := openBoth(t, database, primary, standby)
		l := &load{store: s, timeout: time.Second}
		ctx, cancel := context.WithCancel(t.Context())
		wait := l.run(ctx, fmt.Sprint("round", round), 32)
		until(t, "200 writes", func() bool { return l.count(acknowledged) >= 200 })
		standby.Pause(t)
		uncertain := func(o outcome) bool { return storage.CodeOf(o.err) == storage.CodeUncertain }
		until(t, "writes whose time is over, twice over", func() bool { return l.count(func(o outcome) bool { return o.err != nil }) >= 64 })
		if l.count(uncertain) == 0 {
			t.Error("no write was told that it is uncertain")
		}
		primary.Kill(t)
		standby.Kill(t) // what lay in its sockets is gone as well
		standby.Start(t)
		standby.Promote(t)
		promoted := time.Now()
		until(t, "200 writes after the fail-over", func() bool {
			return l.count(func(o outcome) bool { return acknowledged(o) && o.at.After(promoted) }) >= 200
		})
		cancel()
		wait()
		l.check(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		primary = standby
	}
}

func openBoth(t *testing.T, database string, primary, standby *pgtest.Cluster) storage.Store {
	t.Helper()
	s, err := openStore(t.Context(), primary.URL(database, standby), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
