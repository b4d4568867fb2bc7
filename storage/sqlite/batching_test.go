package sqlite_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// concurrent lets n callers write at once, so that the writer expects as many again,
// and returns a function that has others do so and returns what the writer does
// with them at once.
func concurrent(t *testing.T, s *sqlite.Store, n int) (write func(n int) (waiting int), wait func()) {
	slow := func(storage.Tx) error { time.Sleep(80 * time.Millisecond); return nil }
	if err := s.Tx(t.Context(), scope, slow); err != nil { // or it does not wait
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	write = func(n int) int {
		for i := range n {
			wg.Go(func() {
				if err := set(s, t.Context(), fmt.Sprintf("k%d", i)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		return s.Stats().Depth
	}
	release := hold(t, s)
	write(n)
	release()
	wg.Wait()
	return write, wg.Wait
}

// TestWaitsForHalfTheCallers has the writer believe that somebody is always on the way.
// It waits for half of 100 callers, for a millisecond at most, and for fewer and
// fewer when they don't come.
func TestWaitsForHalfTheCallers(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		sqlite.SetReady(s, 1)
		write, wait := concurrent(t, s, 100)
		start := time.Now()
		if depth := write(49); depth != 49 {
			t.Errorf("of 49, %d wait for more", depth)
		}
		if depth := write(1); depth != 0 {
			t.Errorf("of 50, %d wait still", depth)
		}
		wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("half of the callers waited for %v", waited)
		}

		for i := range 10 {
			start := time.Now()
			write(1)
			wait()
			waited := time.Since(start)
			if waited > time.Millisecond {
				t.Errorf("write %d waited for %v", i, waited)
			}
			if i == 0 && waited == 0 {
				t.Error("the first of many callers did not wait for more")
			}
			if i >= 5 && waited > 0 {
				t.Errorf("write %d waited for callers who are gone", i)
			}
		}
	})
}

// TestWaitsForNobody has the writer find that nobody is on the way: before it waits
// for half of the callers, and while it does.
func TestWaitsForNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		sqlite.SetReady(s, 0)
		write, wait := concurrent(t, s, 40)
		start := time.Now()
		if depth := write(5); depth != 0 {
			t.Errorf("of 5, %d wait for nobody", depth)
		}
		wait()

		sqlite.SetReady(s, 1)
		release := hold(t, s)
		write(40)
		release()
		wait()
		if depth := write(5); depth != 5 {
			t.Errorf("of 5, %d wait for more", depth)
		}
		sqlite.SetReady(s, 0)
		if depth := write(1); depth != 0 {
			t.Errorf("%d wait still, when the last has come", depth)
		}
		wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited for %v", waited)
		}
	})
}

// TestPipelineIsOneCaller has one caller queue many writes, again and again: nobody
// waits for more of them.
func TestPipelineIsOneCaller(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		sqlite.SetReady(s, 1)
		slow := func(tx storage.Tx) error {
			time.Sleep(80 * time.Millisecond)
			return tx.KV().Set("k", []byte("1"), 0) // so that its usage is known
		}
		if err := s.Tx(t.Context(), scope, slow); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			start := time.Now()
			p := s.Pipeline()
			for i := range storage.MaxQueued {
				queued, err := p.Set(t.Context(), scope, fmt.Sprintf("k%d", i), []byte("1"), 0)
				if !queued || err != nil {
					t.Fatalf("write %d: queued: %t, %v", i, queued, err)
				}
			}
			if err := p.Wait(); err != nil {
				t.Fatal(err)
			}
			if err := set(s, t.Context(), "alone"); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited != 0 {
				t.Errorf("waited for %v", waited)
			}
		}
	})
}
