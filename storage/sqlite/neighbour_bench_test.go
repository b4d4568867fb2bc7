package sqlite_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// floods are what one app does, many times at once, while another writes.
var floods = []struct {
	name    string
	callers int
	write   func(ctx context.Context, s *sqlite.Store, scope storage.Scope, caller int) error
}{
	{"small sets", 256, func(ctx context.Context, s *sqlite.Store, scope storage.Scope, caller int) error {
		return s.Tx(ctx, scope, func(tx storage.Tx) error {
			return tx.KV().Set(fmt.Sprint("k", caller), benchValue, 0)
		})
	}},
	{"sets of 1 MB", 20, func(ctx context.Context, s *sqlite.Store, scope storage.Scope, caller int) error {
		return s.Tx(ctx, scope, func(tx storage.Tx) error {
			// A value like the one before it would not be written.
			value := fmt.Appendf(nil, "%q", strings.Repeat(rand.Text(), 1<<20/26-1))
			return tx.KV().Set(fmt.Sprint("k", caller), value, 0)
		})
	}},
	{"batches of 1000", 20, func(ctx context.Context, s *sqlite.Store, scope storage.Scope, caller int) error {
		return s.Tx(ctx, scope, func(tx storage.Tx) error {
			for i := range 1000 {
				if err := tx.KV().Set(fmt.Sprint("k", caller, ".", i), benchValue, 0); err != nil {
					return err
				}
			}
			return nil
		})
	}},
	{"blobs of 4 MiB", 20, func(ctx context.Context, s *sqlite.Store, scope storage.Scope, caller int) error {
		_, err := s.PutBlob(ctx, scope, fmt.Sprint("b", caller), bytes.NewReader(make([]byte, 4<<20)), "")
		return err
	}},
}

// BenchmarkNeighbour is the rate of one app's durable sets beside another app's flood,
// as a ratio to its rate alone, and the longest of its waits.
func BenchmarkNeighbour(b *testing.B) {
	const callers, during = 8, 2 * time.Second
	// rate has callers set for a while, and returns how many did a second.
	rate := func(b *testing.B, s *sqlite.Store) (rate float64, p99 time.Duration) {
		var mu sync.Mutex
		var took []time.Duration
		var wg sync.WaitGroup
		begun := time.Now()
		for caller := range callers {
			wg.Go(func() {
				for n := 0; time.Since(begun) < during; n++ {
					start := time.Now()
					err := s.Tx(b.Context(), storage.Scope{App: "b"}, func(tx storage.Tx) error {
						return tx.KV().Set(fmt.Sprint("k", caller, ".", n%1000), benchValue, 0)
					})
					if err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					took = append(took, time.Since(start))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(took)
		return float64(len(took)) / time.Since(begun).Seconds(), took[len(took)*99/100]
	}
	for _, flood := range floods {
		b.Run(flood.name, func(b *testing.B) {
			for b.Loop() {
				s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "data.db"), sqlite.Options{})
				if err != nil {
					b.Fatal(err)
				}
				alone, _ := rate(b, s)
				ctx, stop := context.WithCancel(b.Context())
				var wg sync.WaitGroup
				var floodErr error
				for caller := range flood.callers {
					wg.Go(func() {
						for ctx.Err() == nil {
							if err := flood.write(ctx, s, storage.Scope{App: "a"}, caller); err != nil && ctx.Err() == nil {
								floodErr = err
								return
							}
						}
					})
				}
				beside, p99 := rate(b, s)
				stop()
				wg.Wait()
				if floodErr != nil {
					b.Error(floodErr)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(beside/alone, "ratio")
				b.ReportMetric(beside, "sets/s")
				b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms")
			}
		})
	}
}
