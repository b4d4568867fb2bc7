package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

func TestStats(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if before := s.Stats(); before.Depth != 0 || before.Delay != 0 {
			t.Errorf("idle: %+v", before)
		}
		const queue = 1024
		release := hold(t, s)
		var wg sync.WaitGroup
		for i := range queue {
			wg.Go(func() {
				if err := set(s, t.Context(), fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if during := s.Stats(); during.Depth != queue {
			t.Errorf("%d wait, want %d", during.Depth, queue)
		}
		err := set(s, t.Context(), "refused")
		if e, ok := errors.AsType[*storage.Error](err); !ok || e.Code != storage.CodeOverloaded || e.Depth != queue {
			t.Errorf("refused with %+v", err)
		}
		release()
		wg.Wait()
		after := s.Stats()
		if after.Depth != 0 || after.BatchSize.Max < 200 || after.BatchSize.P50 < 1 || after.BatchSize.P50 > after.BatchSize.P99 ||
			after.BatchSize.P99 > after.BatchSize.Max || after.CommitTime.Max < after.CommitTime.P50 || after.CommitTime.P50 <= 0 {
			t.Errorf("%+v", after)
		}
	})
}

// TestWriterTime has the writer work for two apps.
func TestWriterTime(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		for app, work := range map[string]time.Duration{"a": 3 * time.Second, "b": time.Second} {
			for range 2 {
				if _, err := take(t.Context(), s, app, work); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := s.Stats().Writer; got["a"] < 6*time.Second || got["a"] > 7*time.Second || got["b"] < 2*time.Second || got["b"] > 3*time.Second {
			t.Errorf("the writer has worked for %v, want 6 s for a and 2 s for b", got)
		}
	})
}

// TestRefusalSaysTheDelay lets batches take a second each, and then asks for a
// write within a millisecond.
func TestRefusalSaysTheDelay(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		for range 30 {
			if err := s.Tx(t.Context(), scope, func(storage.Tx) error { time.Sleep(time.Second); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		release := hold(t, s)
		defer release()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := set(s, ctx, "k")
		e, ok := errors.AsType[*storage.Error](err)
		if !ok || e.Code != storage.CodeOverloaded || e.Delay < 900*time.Millisecond || e.Delay > time.Second {
			t.Errorf("refused with %+v", err)
		}
		if delay := s.Stats().Delay; !ok || delay != e.Delay {
			t.Errorf("a delay of %v in the statistics, of %v in the refusal", delay, e.Delay)
		}
	})
}
