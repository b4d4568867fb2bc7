// Package recent remembers figures of the last commits. It is shared by the engines of
// package storage.
package recent

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// window is after how many batches the older half of the figures is
	// forgotten.
	window = 4096
	// maxCommitTime is the longest time that is told from a longer one.
	maxCommitTime = time.Minute
)

// Batches remembers the last batches in histograms of a fixed size. To record a
// batch allocates nothing. It is safe for concurrent use.
type Batches struct {
	mu      sync.Mutex
	sizes   *hdrhistogram.WindowedHistogram
	times   *hdrhistogram.WindowedHistogram // in microseconds
	batches int                             // in the newer half
}

// NewBatches returns one for batches of at most so many requests.
func NewBatches(most int) *Batches {
	return &Batches{
		sizes: hdrhistogram.NewWindowed(2, 1, int64(most), 2),
		times: hdrhistogram.NewWindowed(2, 1, maxCommitTime.Microseconds(), 2),
	}
}

// Record notes a batch of so many requests whose commit took so long.
func (r *Batches) Record(size int, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.batches++; r.batches > window {
		r.batches = 1
		r.sizes.Rotate()
		r.times.Rotate()
	}
	// Both are within the range of their histogram, which is the only error.
	_ = r.sizes.Current.RecordValue(int64(size))
	_ = r.times.Current.RecordValue(max(1, min(took, maxCommitTime).Microseconds()))
}

// Percentiles returns those of the sizes and of the times.
func (r *Batches) Percentiles() (storage.Percentiles[int], storage.Percentiles[time.Duration]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return percentiles[int](r.sizes.Merge(), 1), percentiles(r.times.Merge(), time.Microsecond)
}

func percentiles[T int | time.Duration](h *hdrhistogram.Histogram, unit T) storage.Percentiles[T] {
	at := func(q float64) T { return T(h.ValueAtQuantile(q)) * unit }
	return storage.Percentiles[T]{P50: at(50), P90: at(90), P99: at(99), Max: T(h.Max()) * unit}
}
