package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io"
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

// waitOver is a waiter that is asked what it sees when its wait is over, when it would
// wait for a processor.
type waitOver struct {
	waiter
	over func()
}

func (w *waitOver) Wait(ctx context.Context, wait func() error) error {
	err := w.waiter.Wait(ctx, wait)
	w.over()
	return err
}

// TestNobodyKeepsAReaderOfBodies: who reads a blob gives its processor away while it waits
// for a reader, and has none when it waits for a processor. Otherwise those with a
// processor and those with a reader would wait for each other.
func TestNobodyKeepsAReaderOfBodies(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	scope := storage.Scope{App: "a"}
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<15) // two chunks
	if _, err := s.PutBlob(t.Context(), scope, "b", bytes.NewReader(data), ""); err != nil {
		t.Fatal(err)
	}
	var release func()
	held := -1
	w := &waitOver{waiter{begun: func() { release() }}, func() { held = sqlite.StreamsHeld(s) }}
	ctx := storage.WithPacer(t.Context(), w)
	busy := func(what string, read func() error) {
		t.Helper()
		var err error
		if release, err = sqlite.HoldStreams(s); err != nil {
			t.Fatal(err)
		}
		w.waits, held = 0, -1
		if err := read(); err != nil || w.waits != 1 || held != 0 {
			t.Errorf("%s: %v, after %d waits with %d readers held at the end; want 1 and 0", what, err, w.waits, held)
		}
	}
	var blob io.ReadSeekCloser
	busy("open", func() (err error) {
		_, blob, err = s.OpenBlob(ctx, scope, "b")
		return err
	})
	var got []byte
	busy("read", func() (err error) {
		got, err = io.ReadAll(blob)
		return errors.Join(err, blob.Close())
	})
	if !bytes.Equal(got, data) {
		t.Errorf("read %d bytes that are not those of the blob", len(got))
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

// TestReadersRest: what readers keep is given back once when nothing was read from one
// look to the next, and they read on after.
func TestReadersRest(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	read, rest, stop, err := sqlite.ReadersOf(s)
	if err != nil {
		t.Fatal(err)
	}
	look := func(when string, want bool) {
		t.Helper()
		if given, err := rest(); err != nil || given != want {
			t.Errorf("%s it is given back: %v, %v; want %v", when, given, err, want)
		}
	}
	nothing := func() error { return nil }
	look("before a read", false)
	for range 2 {
		if err := read(t.Context(), nothing); err != nil {
			t.Fatal(err)
		}
		look("after a read", false)
		look("at the next look", true)
		look("then", false)
	}
	err = read(t.Context(), func() error {
		look("beside a read", false)
		look("beside the same", false)
		return nil
	})
	if err := errors.Join(err, stop()); err != nil {
		t.Error(err)
	}
}
