package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// waiter counts waits, and ends the caller with an error.
type waiter struct {
	waits   int
	charged time.Duration
	begun   func()
	err     error
}

func (w *waiter) Pace(context.Context) error                { return nil }
func (w *waiter) Read(int) error                            { return nil }
func (w *waiter) Contended(context.Context) bool            { return false }
func (w *waiter) Charge(_ context.Context, d time.Duration) { w.charged += d }
func (w *waiter) Wait(_ context.Context, wait func() error) error {
	w.waits++
	w.begun()
	return errors.Join(wait(), w.err)
}

// Whoever waits for a connection says so, and doesn't keep one if it has to end.
func TestWaitForAReaderIsPaced(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	scope := storage.Scope{App: "a"}
	nothing := func(storage.Tx) error { return nil }
	if err := s.View(storage.WithPacer(t.Context(), &waiter{}), scope, nothing); err != nil {
		t.Fatal(err) // it would have called begun
	}
	ended := errors.New("ended")
	for range 10 { // more often than there are connections
		var all sync.WaitGroup
		release := make(chan struct{})
		busy := make(chan struct{})
		w := &waiter{begun: func() { close(release) }, err: ended}
		n := sqlite.Readers(s)
		for range n {
			all.Go(func() {
				err := s.View(t.Context(), scope, func(storage.Tx) error {
					busy <- struct{}{}
					<-release
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		for range n {
			<-busy
		}
		if err := s.View(storage.WithPacer(t.Context(), w), scope, nothing); !errors.Is(err, ended) || w.waits != 1 {
			t.Errorf("%v, and %d waits; want %v and 1", err, w.waits, ended)
		}
		all.Wait()
	}
}

// TestWriterCharges has the writer tell what it has computed for an operation.
func TestWriterCharges(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	const takes = 3 * time.Millisecond
	w := &waiter{begun: func() {}}
	err := s.Tx(storage.WithPacer(t.Context(), w), storage.Scope{App: "a"}, func(storage.Tx) error {
		for began := time.Now(); time.Since(began) < takes; {
		}
		return nil
	})
	if err != nil || w.charged < takes {
		t.Errorf("%v was charged for a write of %v: %v", w.charged, takes, err)
	}
}
