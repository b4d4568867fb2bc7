package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

func testScopes(t *testing.T, s storage.Store) {
	scopes := []storage.Scope{{App: "a"}, {App: "a", User: "u"}, {App: "a", User: "v"}, {App: "b"}, {App: "b", User: "u"}, {App: "au"}}
	for i, sc := range scopes {
		if err := s.Tx(t.Context(), sc, func(tx storage.Tx) error {
			if err := tx.KV().Set("k", fmt.Appendf(nil, "%d", i), 0); err != nil {
				return err
			}
			_, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"id":"same","n":%d}`, i))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	// What one scope removes is there in all others.
	if err := s.Tx(t.Context(), scopes[0], func(tx storage.Tx) error {
		if _, err := tx.KV().Delete("k"); err != nil {
			return err
		}
		_, err := tx.Docs().Delete("items", json.RawMessage(`{}`))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i, sc := range scopes[1:] {
		if err := s.View(t.Context(), sc, func(tx storage.Tx) error {
			entries, err := tx.KV().List("", storage.Page{})
			if err != nil || len(entries) != 1 || string(entries[0].Value) != fmt.Sprint(i+1) {
				t.Errorf("%+v: %v, %v", sc, entries, err)
			}
			n, err := tx.Docs().Count("items", fmt.Appendf(nil, `{"n":%d}`, i+1))
			if err != nil || n != 1 {
				t.Errorf("%+v: %d documents, %v", sc, n, err)
			}
			n, err = tx.Docs().Count("items", nil)
			diff(t, "documents", 1, n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func testTxRollback(t *testing.T, s storage.Store) {
	set(t, s, "k", `1`)
	insert(t, s, "items", `{"id":"a","n":1}`)
	failed := errors.New("the caller's own")
	err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		if err := tx.KV().Set("k", json.RawMessage(`2`), 0); err != nil {
			return err
		}
		if _, err := tx.Docs().Update("items", json.RawMessage(`{}`), json.RawMessage(`{"n":2}`)); err != nil {
			return err
		}
		return failed
	})
	if err != failed {
		t.Errorf("got %v, want the error as it is", err)
	}
	diff(t, "key", "1", get(t, s, "k"))
	diff(t, "document", []string{"1"}, find(t, s, "items", `{}`, "n", storage.FindOptions{}))
}

// testTxIsolatesNeighbours has transactions that fail after they wrote share
// commits with others that succeed.
func testTxIsolatesNeighbours(t *testing.T, s storage.Store) {
	const goroutines, each = 16, 30
	failed := errors.New("failed")
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
					if _, err := tx.KV().Incr("sum", 1); err != nil {
						return err
					}
					if err := tx.KV().Set(fmt.Sprintf("k-%d-%d", g, i), json.RawMessage(`1`), 0); err != nil {
						return err
					}
					if g%2 == 0 {
						return failed
					}
					return nil
				})
				if g%2 == 0 && err != failed || g%2 == 1 && err != nil {
					t.Errorf("%d %d: %v", g, i, err)
				}
			}
		})
	}
	wg.Wait()
	diff(t, "sum", fmt.Sprint(goroutines/2*each), get(t, s, "sum"))
	view(t, s, func(tx storage.Tx) error {
		entries, err := tx.KV().List("k-", storage.Page{})
		diff(t, "keys", goroutines/2*each, len(entries))
		return err
	})
}

func testTxPanic(t *testing.T, s storage.Store) {
	err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		if err := tx.KV().Set("k", json.RawMessage(`1`), 0); err != nil {
			return err
		}
		panic("a caller's fault")
	})
	if err == nil {
		t.Error("a panic in the transaction was not reported")
	}
	diff(t, "key", "", get(t, s, "k"))
	set(t, s, "k", `2`)
	diff(t, "afterwards", "2", get(t, s, "k"))

	// runtime.Goexit is how a test fails, and how a runtime may end a handler.
	done := make(chan error, 1)
	go func() {
		done <- s.Tx(context.Background(), scope, func(tx storage.Tx) error {
			if err := tx.KV().Set("k", json.RawMessage(`3`), 0); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
	}()
	if err := <-done; err == nil {
		t.Error("runtime.Goexit in the transaction was not reported")
	}
	diff(t, "after Goexit", "2", get(t, s, "k"))
	set(t, s, "k", `4`)
}

func testTxContext(t *testing.T, s storage.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	write := func(storage.Tx) error { t.Error("it ran"); return nil }
	if err := s.Tx(ctx, scope, write); !errors.Is(err, context.Canceled) {
		t.Errorf("Tx: %v", err)
	}
	if err := s.View(ctx, scope, write); !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v", err)
	}

	// A transaction whose context ends while it runs is undone, and its caller
	// is told at once that nothing was written.
	ctx, cancel = context.WithCancel(t.Context())
	started, release := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- s.Tx(ctx, scope, func(tx storage.Tx) error {
			close(started)
			<-release
			return tx.KV().Set("k", json.RawMessage(`1`), 0)
		})
	}()
	<-started
	// One that waits behind it, and whose context ends meanwhile, never runs.
	behind, cancelBehind := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() { waiting <- s.Tx(behind, scope, write) }()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("running: %v", err)
	}
	cancelBehind()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting: %v", err)
	}
	close(release)
	set(t, s, "other", `1`) // the writer is past both now
	diff(t, "key", "", get(t, s, "k"))
}

func testTxReadsItsWrites(t *testing.T, s storage.Store) {
	tx(t, s, func(tx storage.Tx) error {
		if err := tx.KV().Set("k", json.RawMessage(`1`), 0); err != nil {
			return err
		}
		e, err := tx.KV().Get("k")
		diff(t, "key", "1", string(e.Value))
		if err != nil {
			return err
		}
		if _, err := tx.Docs().Insert("items", json.RawMessage(`{"n":1}`)); err != nil {
			return err
		}
		n, err := tx.Docs().Count("items", json.RawMessage(`{"n":1}`))
		diff(t, "documents", 1, n)
		return err
	})
}

// testViewIsASnapshot writes while a view is open: the view does not change,
// and the next one has every write that was acknowledged.
func testViewIsASnapshot(t *testing.T, s storage.Store) {
	set(t, s, "k", `0`)
	view(t, s, func(tx storage.Tx) error {
		if _, err := tx.KV().Get("k"); err != nil {
			return err
		}
		for i := 1; i <= 20; i++ {
			set(t, s, "k", fmt.Sprint(i))
			diff(t, "acknowledged", fmt.Sprint(i), get(t, s, "k"))
		}
		e, err := tx.KV().Get("k")
		diff(t, "snapshot", "0", string(e.Value))
		return err
	})
}

func testViewReadOnly(t *testing.T, s storage.Store) {
	insert(t, s, "items", `{"n":1}`)
	empty, one := json.RawMessage(`{}`), json.RawMessage(`1`)
	writes := map[string]func(storage.Tx) error{
		"set":          func(tx storage.Tx) error { return tx.KV().Set("k", one, 0) },
		"setIf":        func(tx storage.Tx) error { _, err := tx.KV().SetIf("k", one, 0); return err },
		"delete":       func(tx storage.Tx) error { _, err := tx.KV().Delete("k"); return err },
		"incr":         func(tx storage.Tx) error { _, err := tx.KV().Incr("k", 1); return err },
		"insert":       func(tx storage.Tx) error { _, err := tx.Docs().Insert("items", empty); return err },
		"update":       func(tx storage.Tx) error { _, err := tx.Docs().Update("items", empty, empty); return err },
		"upsert":       func(tx storage.Tx) error { _, err := tx.Docs().Upsert("items", empty, empty); return err },
		"remove":       func(tx storage.Tx) error { _, err := tx.Docs().Delete("items", empty); return err },
		"deleteOldest": func(tx storage.Tx) error { _, err := tx.Docs().DeleteOldest("items", 0); return err },
	}
	for name, write := range writes {
		wantCode(t, name, s.View(t.Context(), scope, write), storage.CodeReadOnly)
	}
	err := s.Read(t.Context(), func(q storage.SQL) error {
		_, err := q.Exec("DELETE FROM docs")
		return err
	})
	wantCode(t, "SQL", err, storage.CodeReadOnly)
	err = s.Read(t.Context(), func(q storage.SQL) error {
		return q.Query("DELETE FROM kv RETURNING key", nil, func(func(...any) error) error { return nil })
	})
	wantCode(t, "SQL that returns rows", err, storage.CodeReadOnly)
	diff(t, "left", []string{"1"}, find(t, s, "items", `{}`, "n", storage.FindOptions{}))
}

func testClose(t *testing.T, s storage.Store) {
	// Accepted writes are answered, and are what a close waits for.
	const writers = 32
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := 0; ; n++ {
				err := s.Tx(context.Background(), scope, func(tx storage.Tx) error {
					return tx.KV().Set(fmt.Sprintf("k-%d", i), fmt.Appendf(nil, "%d", n), 0)
				})
				if storage.CodeOf(err) == storage.CodeClosed {
					return
				}
				if err != nil {
					t.Errorf("writer %d: %v", i, err)
					return
				}
			}
		})
	}
	set(t, s, "started", `1`)
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	revision, err := s.Revision(t.Context())
	wantCode(t, "Revision", err, storage.CodeClosed)
	<-s.Changed(revision)
	nothing := func(storage.Tx) error { t.Error("it ran"); return nil }
	wantCode(t, "Tx", s.Tx(t.Context(), scope, nothing), storage.CodeClosed)
	_, err = s.Get(t.Context(), scope, "key")
	wantCode(t, "Get", err, storage.CodeClosed)
	wantCode(t, "View", s.View(t.Context(), scope, nothing), storage.CodeClosed)
	_, err = s.Apps(t.Context())
	wantCode(t, "Apps", err, storage.CodeClosed)
	_, err = s.Query(t.Context(), "SELECT 1", 1)
	wantCode(t, "Query", err, storage.CodeClosed)
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
