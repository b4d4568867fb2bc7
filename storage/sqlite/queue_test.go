package sqlite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// take has the writer work for so long for an app, and returns when it began.
func take(ctx context.Context, s *sqlite.Store, app string, work time.Duration) (began time.Time, err error) {
	err = s.Tx(ctx, storage.Scope{App: app}, func(storage.Tx) error {
		began = time.Now()
		time.Sleep(work)
		return nil
	})
	return began, err
}

// TestWaitsAreBounded mixes apps that always ask for more with apps that ask for less
// than their share. The latter wait for the request under way and for one of each other
// app of their kind, however much and however long the requests of the former are.
func TestWaitsAreBounded(t *testing.T) {
	const longest, longestModest = 20 * time.Millisecond, 3 * time.Millisecond
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *sqlite.Store) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				greedy, modest := rnd.IntN(5), 1+rnd.IntN(4)
				stop := time.Now().Add(1500 * time.Millisecond)
				var wg sync.WaitGroup
				for app := range greedy {
					most := time.Duration(1 + rnd.Int64N(int64(longest)))
					for range 1 + rnd.IntN(20) {
						rnd := rand.New(rand.NewPCG(seed, rnd.Uint64()))
						wg.Go(func() {
							for time.Now().Before(stop) {
								if _, err := take(t.Context(), s, fmt.Sprint("greedy", app), time.Duration(rnd.Int64N(int64(most)))); err != nil {
									t.Error(err)
								}
							}
						})
					}
				}
				// One comes again after so long that others had what it had, and more by
				// what a single request may bring out of order.
				pause := time.Duration(greedy+modest) * (longest + longestModest)
				for app := range modest {
					rnd := rand.New(rand.NewPCG(seed, rnd.Uint64()))
					wg.Go(func() {
						for asks := 0; ; asks++ {
							time.Sleep(pause + time.Duration(rnd.Int64N(int64(pause))))
							if !time.Now().Before(stop) {
								if asks == 0 {
									t.Error("an app has asked for nothing")
								}
								return
							}
							asked := time.Now()
							began, err := take(t.Context(), s, fmt.Sprint("modest", app), time.Duration(rnd.Int64N(int64(longestModest))))
							if err != nil {
								t.Error(err)
							}
							if wait := began.Sub(asked); wait > longest+time.Duration(modest-1)*longestModest {
								t.Errorf("of %d greedy and %d modest apps, a modest one waited for %v", greedy, modest, wait)
							}
						}
					})
				}
				wg.Wait()
			})
		})
	}
}

// TestWriterIsShared has two apps ask for all that they get, one in short requests and
// from few callers, one in long requests and from many: each gets half.
func TestWriterIsShared(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		stop := time.Now().Add(10 * time.Second)
		var mu sync.Mutex
		had := map[string]time.Duration{}
		var wg sync.WaitGroup
		flood := func(app string, callers int, work time.Duration) {
			for range callers {
				wg.Go(func() {
					for time.Now().Before(stop) {
						if _, err := take(t.Context(), s, app, work); err != nil {
							t.Error(err)
						}
						mu.Lock()
						had[app] += work
						mu.Unlock()
					}
				})
			}
		}
		flood("short", 20, time.Millisecond)
		flood("long", 200, 50*time.Millisecond)
		wg.Wait()
		if short := had["short"]; short < 4500*time.Millisecond || short > 5500*time.Millisecond {
			t.Errorf("of 10 s, the app with short requests had %v", short)
		}
	})
}

// TestFullQueue fills the queue with one app's requests. The other finds room, and it is
// the first that loses requests, those that came last.
func TestFullQueue(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		const room, others = 1024, 10
		release := holdFor(t, s, storage.Scope{App: "slow"})
		var wg sync.WaitGroup
		var mu sync.Mutex
		refused := map[string]int{}
		ask := func(app string, n int) {
			for range n {
				wg.Go(func() {
					_, err := take(t.Context(), s, app, 0)
					if err != nil && storage.CodeOf(err) != storage.CodeOverloaded {
						t.Error(err)
					}
					if err != nil {
						mu.Lock()
						refused[app]++
						mu.Unlock()
					}
				})
			}
			synctest.Wait()
		}
		ask("a", room)
		ask("b", others)
		if refused["a"] != others || refused["b"] != 0 {
			t.Errorf("%v were refused, want %d of a", refused, others)
		}
		ask("a", 5)
		if refused["a"] != others+5 || refused["b"] != 0 {
			t.Errorf("%v were refused, want %d of a", refused, others+5)
		}
		if depth := s.Stats().Depth; depth != room {
			t.Errorf("%d wait, want %d", depth, room)
		}
		release()
		wg.Wait()
	})
}

// TestPredictionIsTheApps lets one app have slow requests and a long queue. Its own are
// refused that can't be made in time, and those of another are made.
func TestPredictionIsTheApps(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if _, err := take(t.Context(), s, "a", 800*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		release := holdFor(t, s, storage.Scope{App: "slow"})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := take(t.Context(), s, "a", 800*time.Millisecond); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := take(ctx, s, "a", 0); storage.CodeOf(err) != storage.CodeOverloaded {
			t.Errorf("behind 100 slow requests of its own app: %v", err)
		}
		wg.Go(func() {
			if _, err := take(ctx, s, "b", 0); err != nil {
				t.Errorf("behind another app's: %v", err)
			}
		})
		synctest.Wait()
		release()
		wg.Wait()
	})
}

// TestRefusedIsCertain ends a caller's time in the instant in which its request loses
// its place, again and again: it was never started, and nobody says otherwise.
func TestRefusedIsCertain(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		const room = 1024
		release := holdFor(t, s, storage.Scope{App: "slow"})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range room {
			wg.Go(func() {
				if _, err := take(ctx, s, "a", 0); err == nil || storage.CodeOf(err) == storage.CodeUncertain {
					t.Errorf("a: %v", err)
				}
			})
		}
		synctest.Wait()
		for range 400 {
			wg.Go(func() {
				if _, err := take(t.Context(), s, "b", 0); err != nil {
					t.Errorf("b: %v", err)
				}
			})
		}
		cancel()
		synctest.Wait()
		release()
		wg.Wait()
	})
}

// TestSlowCommitsAreShared has 64 callers of one app, and as many of another, write on a
// disk that is slow: they still share its commits.
func TestSlowCommitsAreShared(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		const callers, writes = 128, 10
		sqlite.SlowCommits(s, 50*time.Millisecond)
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				for range writes {
					if _, err := take(t.Context(), s, fmt.Sprint("app", caller%2), 0); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if batches := s.Stats().Batches; batches > 3*writes {
			t.Errorf("%d writes took %d commits", callers*writes, batches)
		}
	})
}
