package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

var scope = storage.Scope{App: "app"}

func set(s *sqlite.Store, ctx context.Context, key string) error {
	return s.Tx(ctx, scope, func(tx storage.Tx) error { return tx.KV().Set(key, json.RawMessage(`1`), 0) })
}

func has(t testing.TB, s *sqlite.Store, key string) bool {
	t.Helper()
	err := s.View(t.Context(), scope, func(tx storage.Tx) error { _, err := tx.KV().Get(key); return err })
	if err != nil && storage.CodeOf(err) != storage.CodeNotFound {
		t.Fatal(err)
	}
	return err == nil
}

// inBubble runs a test on a store whose clock stands still unless everybody
// waits.
func inBubble(t *testing.T, test func(*testing.T, *sqlite.Store)) {
	path := filepath.Join(t.TempDir(), "data.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(t, s)
	})
}

// hold occupies the writer until the returned function is called.
func hold(t *testing.T, s *sqlite.Store) (release func()) { return holdFor(t, s, scope) }

// holdFor is hold by another app than those that are waited for, so that nothing is
// expected of them.
func holdFor(t *testing.T, s *sqlite.Store, scope storage.Scope) (release func()) {
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Tx(context.Background(), scope, func(storage.Tx) error { close(held); <-free; return nil }); err != nil {
			t.Error(err)
		}
	}()
	<-held
	return func() { close(free); <-done }
}

func TestBatchSharesACommit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		release := hold(t, s)
		failed := errors.New("failed")
		errs := make([]error, 100)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				errs[i] = s.Tx(t.Context(), scope, func(tx storage.Tx) error {
					if err := tx.KV().Set(fmt.Sprintf("k%d", i), json.RawMessage(`1`), 0); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return failed
					case 2:
						panic("a caller's fault")
					}
					return nil
				})
			})
		}
		synctest.Wait()
		before := s.Stats()
		if before.Depth != len(errs) {
			t.Errorf("%d requests wait, want %d", before.Depth, len(errs))
		}
		release()
		wg.Wait()
		after := s.Stats()
		if after.Batches-before.Batches != 2 || after.Commits-before.Commits != 1+50 || after.Depth != 0 {
			t.Errorf("from %+v to %+v, want two batches, of 1 and 50 commits", before, after)
		}
		for i, err := range errs {
			want := i%4 == 0 || i%4 == 3
			if (err == nil) != want || has(t, s, fmt.Sprintf("k%d", i)) != want {
				t.Errorf("request %d: %v, written: %t", i, err, has(t, s, fmt.Sprintf("k%d", i)))
			}
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		const room = 1024
		release := hold(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var wg sync.WaitGroup
		for i := range room {
			wg.Go(func() {
				ctx := ctx
				if i%2 == 0 {
					ctx = t.Context()
				}
				err := set(s, ctx, fmt.Sprintf("k%d", i))
				if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, context.Canceled) {
					t.Errorf("request %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		if err := set(s, t.Context(), "more"); storage.CodeOf(err) != storage.CodeOverloaded {
			t.Errorf("one more: %v", err)
		}
		cancel() // those who give up make room
		synctest.Wait()
		if depth := s.Stats().Depth; depth != room/2 {
			t.Errorf("%d requests wait, want %d", depth, room/2)
		}
		wg.Go(func() {
			if err := set(s, t.Context(), "again"); err != nil {
				t.Errorf("again: %v", err)
			}
		})
		synctest.Wait()
		release()
		wg.Wait()
		if has(t, s, "k1") || !has(t, s, "k0") || !has(t, s, "again") {
			t.Error("what was abandoned was written, or what was not was lost")
		}
	})
}

func TestRefusesWhatCannotMeetItsDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		short := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			return set(s, ctx, "short")
		}
		slow := func(tx storage.Tx) error { time.Sleep(800 * time.Millisecond); return nil }
		if err := s.Tx(t.Context(), scope, slow); err != nil {
			t.Fatal(err)
		}
		// The writer is idle: however slow it was, it gets another chance.
		if err := short(); err != nil {
			t.Errorf("idle: %v", err)
		}
		release := hold(t, s)
		start := time.Now()
		if err := short(); storage.CodeOf(err) != storage.CodeOverloaded {
			t.Errorf("busy: %v", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("refused after %v, not at once", waited)
		}
		release()
	})
}

func TestDeadlines(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		release := hold(t, s)
		// A waits behind the writer and is written with B, whose function keeps
		// the commit from happening.
		ctxA, cancelA := context.WithCancel(t.Context())
		bStarted, bRelease := make(chan struct{}), make(chan struct{})
		var errA, errB, errC error
		var wg sync.WaitGroup
		wg.Go(func() { errA = set(s, ctxA, "a") })
		synctest.Wait()
		wg.Go(func() {
			errB = s.Tx(t.Context(), scope, func(tx storage.Tx) error {
				close(bStarted)
				<-bRelease
				return tx.KV().Set("b", json.RawMessage(`1`), 0)
			})
		})
		synctest.Wait()
		// C is behind both, and its deadline passes before it starts.
		ctxC, cancelC := context.WithCancel(t.Context())
		wg.Go(func() { errC = set(s, ctxC, "c") })
		synctest.Wait()
		release()
		<-bStarted
		cancelA()
		cancelC()
		synctest.Wait()
		close(bRelease)
		wg.Wait()
		if storage.CodeOf(errA) != storage.CodeUncertain || !errors.Is(errA, context.Canceled) {
			t.Errorf("a: %v, want %s", errA, storage.CodeUncertain)
		}
		if errB != nil {
			t.Errorf("b: %v", errB)
		}
		if !errors.Is(errC, context.Canceled) || storage.CodeOf(errC) != "" {
			t.Errorf("c: %v", errC)
		}
		if !has(t, s, "a") || !has(t, s, "b") || has(t, s, "c") {
			t.Errorf("written: a %t, b %t, c %t", has(t, s, "a"), has(t, s, "b"), has(t, s, "c"))
		}
	})
}

// TestScanStopsAtTheDeadline has a long find on the writer and on a reader end
// with its context.
func TestScanStopsAtTheDeadline(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		for range 1000 {
			if _, err := tx.Docs().Insert("items", json.RawMessage(`{}`)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context, storage.Scope, func(storage.Tx) error) error{"View": s.View, "Tx": s.Tx} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var findErr error
		err := run(ctx, scope, func(tx storage.Tx) error {
			if _, err := tx.Docs().Count("items", nil); err != nil {
				return err
			}
			cancel()
			_, findErr = tx.Docs().Count("items", nil)
			return findErr
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := set(s, t.Context(), "k"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestFailedCommit has the database refuse a COMMIT, and then fill up in the
// middle of a batch. Those in the batch are told, and the next is written.
func TestFailedCommit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := s.Migrate(t.Context(), "test", []string{`CREATE TABLE parents (id INTEGER PRIMARY KEY);
			CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)`}); err != nil {
			t.Fatal(err)
		}
		tests := map[string]func(storage.SQL) error{
			"commit": func(q storage.SQL) error { _, err := q.Exec("INSERT INTO children (parent) VALUES (1)"); return err },
			"full": func(q storage.SQL) error {
				if _, err := q.Exec("PRAGMA max_page_count = 1"); err != nil { // no more than there are
					return err
				}
				_, err := q.Exec("INSERT INTO parents (id) SELECT value FROM json_each(?)", "["+strings.Repeat("1,", 9999)+"1]")
				_, err2 := q.Exec("INSERT INTO children (parent) VALUES (zeroblob(100000))")
				if err == nil && err2 == nil {
					t.Error("the database did not fill up")
				}
				return nil // the caller's function hides it
			},
		}
		for name, breakIt := range tests {
			release := hold(t, s)
			var before, broken, after error
			var wg sync.WaitGroup
			wg.Go(func() { before = set(s, t.Context(), name+"-before") })
			synctest.Wait()
			wg.Go(func() { broken = s.Write(t.Context(), breakIt) })
			synctest.Wait()
			wg.Go(func() { after = set(s, t.Context(), name+"-after") })
			synctest.Wait()
			release()
			wg.Wait()
			if storage.CodeOf(before) == "" || storage.CodeOf(broken) == "" {
				t.Errorf("%s: before %v, broken %v", name, before, broken)
			}
			if has(t, s, name+"-before") {
				t.Errorf("%s: a write was kept whose caller was told %v", name, before)
			}
			if has(t, s, name+"-after") != (after == nil) {
				t.Errorf("%s: after: %v, written %t", name, after, has(t, s, name+"-after"))
			}
			if err := s.Write(t.Context(), func(q storage.SQL) error {
				_, err := q.Exec("PRAGMA max_page_count = 1073741823")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := set(s, t.Context(), name+"-next"); err != nil || !has(t, s, name+"-next") {
				t.Errorf("%s: the writer did not go on: %v", name, err)
			}
		}
	})
}

func TestTxIsOverWhenItReturns(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	var kept storage.Tx
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := kept.KV().Set("k", json.RawMessage(`1`), 0); storage.CodeOf(err) != storage.CodeClosed {
		t.Errorf("a kept Tx: %v", err)
	}
	if has(t, s, "k") {
		t.Error("a kept Tx has written")
	}
}
