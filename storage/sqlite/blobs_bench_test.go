package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// peakHeap samples the heap until stop is called, which returns the most bytes
// that it held: live objects and those not collected yet.
func peakHeap() (stop func() float64) {
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		var most uint64
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-done:
				peak <- most
				return
			}
		}
	}()
	return func() float64 { close(done); return float64(<-peak) / (1 << 20) }
}

// BenchmarkBlob1GiB streams a blob of 1 GiB in and out. The claim is the heap,
// which stays within 64 MiB.
func BenchmarkBlob1GiB(b *testing.B) {
	const size = 1 << 30
	s := openWith(b, filepath.Join(b.TempDir(), "data.db"), sqlite.Options{Quotas: storage.Quotas{Blob: size, Total: 2 * size}})
	defer s.Close()
	b.SetBytes(2 * size)
	var in, out time.Duration
	heap := peakHeap()
	for b.Loop() {
		start := time.Now()
		if _, err := s.PutBlob(b.Context(), benchScope, "large", io.LimitReader(rand.NewChaCha8([32]byte{}), size), ""); err != nil {
			b.Fatal(err)
		}
		in += time.Since(start)
		start = time.Now()
		_, r, err := s.OpenBlob(b.Context(), benchScope, "large")
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != size {
			b.Fatal(n, err)
		}
		r.Close()
		out += time.Since(start)
	}
	b.ReportMetric(heap(), "MiB-heap")
	b.ReportMetric(1024*float64(b.N)/in.Seconds(), "MiB/s-in")
	b.ReportMetric(1024*float64(b.N)/out.Seconds(), "MiB/s-out")
}

// BenchmarkSmallBlob stores and reads blobs that fit in one chunk.
func BenchmarkSmallBlob(b *testing.B) {
	s := openBench(b)
	data := strings.Repeat("x", 10_000)
	b.Run("put", func(b *testing.B) {
		var n atomic.Int64
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.PutBlob(context.Background(), benchScope, fmt.Sprint(n.Add(1)%1000), strings.NewReader(data), ""); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			_, r, err := s.OpenBlob(b.Context(), benchScope, "1")
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				b.Fatal(err)
			}
			r.Close()
		}
	})
}

// BenchmarkQuota is what it costs to count: the same writes by 64 callers, with
// the triggers that count and without. Values of one length, as counters have,
// need no count; those whose length changes do, and so does every new key.
func BenchmarkQuota(b *testing.B) {
	values := map[string]func(n int64) (string, json.RawMessage){
		"same":   func(n int64) (string, json.RawMessage) { return fmt.Sprint("k", n%10_000), benchValue },
		"length": func(n int64) (string, json.RawMessage) { return fmt.Sprint("k", n%10_000), benchVaried[n%2] },
		"new":    func(n int64) (string, json.RawMessage) { return fmt.Sprint("k", n), benchValue },
	}
	for _, name := range []string{"same", "length", "new"} {
		for _, counted := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/counted=%t", name, counted), func(b *testing.B) {
				s := openBench(b)
				if !counted {
					uncount(b, s)
				}
				var n atomic.Int64
				b.SetParallelism(32)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						key, value := values[name](n.Add(1))
						if err := s.Tx(context.Background(), benchScope, func(tx storage.Tx) error {
							return tx.KV().Set(key, value, 0)
						}); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

// benchVaried are values of two lengths.
var benchVaried = [2]json.RawMessage{benchValue, json.RawMessage(`"` + strings.Repeat("v", 250) + `"`)}

func uncount(b *testing.B, s *sqlite.Store) {
	b.Helper()
	if err := s.Write(b.Context(), func(q storage.SQL) error {
		for _, trigger := range []string{"kv_inserted", "kv_updated", "kv_deleted"} {
			if _, err := q.Exec("DROP TRIGGER " + trigger); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}
