package sqlite

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Stats says what the writer is doing.
type Stats struct {
	// Depth is how many writes wait now.
	Depth int
	// Delay is how long a write that comes now is expected to take.
	Delay time.Duration
	// Batches is how many transactions were committed since Open, and Commits
	// how many callers' writes they held: their ratio is what group commit
	// saves.
	Batches, Commits uint64

	// BatchSize is how many requests lately shared a commit, and CommitTime how
	// long the commit took, for the most part its fsync. They are of the last
	// 4,096 to 8,192 batches, and exact to one part in a hundred.
	BatchSize  Percentiles[int]
	CommitTime Percentiles[time.Duration]
}

// Percentiles of figures: P99 is what 99 of 100 do not exceed. All are zero
// before there are any.
type Percentiles[T int | time.Duration] struct{ P50, P90, P99, Max T }

// Stats returns the writer's present figures.
func (s *Store) Stats() Stats {
	w := s.writer
	w.mu.Lock()
	stats := Stats{Depth: len(w.pending), Delay: w.expectedDelay()}
	w.mu.Unlock()
	stats.Batches, stats.Commits = w.batches.Load(), w.commits.Load()
	stats.BatchSize, stats.CommitTime = w.recent.percentiles()
	return stats
}

const (
	// window is after how many batches the older half of the figures is
	// forgotten.
	window = 4096
	// maxCommitTime is the longest time that is told from a longer one.
	maxCommitTime = time.Minute
)

// recent remembers the last batches in histograms of a fixed size. To record a
// batch allocates nothing.
type recent struct {
	mu      sync.Mutex
	sizes   *hdrhistogram.WindowedHistogram
	times   *hdrhistogram.WindowedHistogram // in microseconds
	batches int                             // in the newer half
}

func newRecent() recent {
	return recent{
		sizes: hdrhistogram.NewWindowed(2, 1, maxBatch, 2),
		times: hdrhistogram.NewWindowed(2, 1, maxCommitTime.Microseconds(), 2),
	}
}

func (r *recent) record(size int, took time.Duration) {
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

func (r *recent) percentiles() (Percentiles[int], Percentiles[time.Duration]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return percentiles[int](r.sizes.Merge(), 1), percentiles(r.times.Merge(), time.Microsecond)
}

func percentiles[T int | time.Duration](h *hdrhistogram.Histogram, unit T) Percentiles[T] {
	at := func(q float64) T { return T(h.ValueAtQuantile(q)) * unit }
	return Percentiles[T]{P50: at(50), P90: at(90), P99: at(99), Max: T(h.Max()) * unit}
}
