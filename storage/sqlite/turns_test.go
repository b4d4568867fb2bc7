package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestReadsWaitNoLongerThanASlice mixes apps that always have more reads than there are
// readers with apps that read less than their share. The latter wait for a read under way
// and for one of each other app of their kind, however many and long the reads of the
// former are, and none is refused.
func TestReadsWaitNoLongerThanASlice(t *testing.T) {
	const longest, longestModest = 20 * time.Millisecond, 3 * time.Millisecond
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *sqlite.Store) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				readers := sqlite.Readers(s)
				greedy, modest := 1+rnd.IntN(5), 1+rnd.IntN(4)
				stop := time.Now().Add(2 * time.Second)
				var wg sync.WaitGroup
				for app := range greedy {
					most := time.Duration(1 + rnd.Int64N(int64(longest)))
					for range readers + rnd.IntN(20) {
						rnd := rand.New(rand.NewPCG(seed, rnd.Uint64()))
						wg.Go(func() {
							for time.Now().Before(stop) {
								if _, err := view(t, s, fmt.Sprint("greedy", app), time.Duration(1+rnd.Int64N(int64(most)))); err != nil {
									t.Error(err)
								}
							}
						})
					}
				}
				// One comes again when others had what it had, and what their reads under way
				// may bring out of order.
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
							waited, err := view(t, s, fmt.Sprint("modest", app), time.Duration(1+rnd.Int64N(int64(longestModest))))
							if err != nil {
								t.Error(err)
							}
							if waited > longest+time.Duration(modest-1)*longestModest {
								t.Errorf("of %d greedy and %d modest apps, a modest one waited for %v", greedy, modest, waited)
							}
						}
					})
				}
				wg.Wait()
			})
		})
	}
}

// view has an app hold a reader for so long, and returns for how long it waited for that.
func view(t *testing.T, s *sqlite.Store, app string, takes time.Duration) (waited time.Duration, err error) {
	asked := time.Now()
	err = s.View(t.Context(), storage.Scope{App: app}, func(storage.Tx) error {
		waited = time.Since(asked)
		time.Sleep(takes)
		return nil
	})
	return waited, err
}
