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

// TestWaitsForHalfACrowd lets a crowd of 40 write at once. From then on the writer
// waits for half of it, for a millisecond at most, and for fewer and fewer when
// they don't come.
func TestWaitsForHalfACrowd(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		slow := func(storage.Tx) error { time.Sleep(80 * time.Millisecond); return nil }
		if err := s.Tx(t.Context(), scope, slow); err != nil { // or it has no patience
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		write := func(n int) {
			for i := range n {
				wg.Go(func() {
					if err := set(s, t.Context(), fmt.Sprintf("k%d", i)); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
		}
		release := hold(t, s)
		write(40)
		release()
		wg.Wait()

		start := time.Now()
		write(19)
		if depth := s.Stats().Depth; depth != 19 {
			t.Errorf("of 19, %d wait for company", depth)
		}
		write(1)
		if depth := s.Stats().Depth; depth != 0 {
			t.Errorf("of 20, %d wait still", depth)
		}
		wg.Wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("half of the crowd waited for %v", waited)
		}

		for i := range 10 {
			start := time.Now()
			write(1)
			wg.Wait()
			waited := time.Since(start)
			if waited > time.Millisecond {
				t.Errorf("write %d waited for %v", i, waited)
			}
			if i == 0 && waited == 0 {
				t.Error("the first of a crowd did not wait for company")
			}
			if i >= 4 && waited > 0 {
				t.Errorf("write %d waited for a crowd that is gone", i)
			}
		}
	})
}

// TestPipelineIsNoCrowd has one caller queue many writes, again and again: nobody
// waits for more of them.
func TestPipelineIsNoCrowd(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
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
