package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/fazt-sh/fazt/storage"
)

// Stats implements [storage.Maintenance].
func (s *Store) Stats() storage.Stats {
	w := s.writer
	w.mu.Lock()
	stats := storage.Stats{Depth: w.queue.len, Delay: w.queue.maxDelay(min(w.batchTime.time, maxBatchTime))}
	stats.Writer = make(map[string]time.Duration, len(w.queue.flows))
	for app, f := range w.queue.flows {
		stats.Writer[app] = f.used
	}
	w.mu.Unlock()
	stats.Batches, stats.Commits = w.batches.Load(), w.commits.Load()
	stats.BatchSize, stats.CommitTime = w.recent.percentiles()
	stats.DataBytes, stats.LogBytes = lengthOf(s.path), lengthOf(s.path+"-wal")
	stats.FreeBytes, stats.Free = s.free()
	return stats
}

// State implements [storage.Maintenance].
func (s *Store) State() storage.State {
	return storage.State{Durable: true, Settings: "synchronous=FULL"}
}

// leavesSpare refuses large bytes while the disk is nearly full. Were they to take the last
// of it, the write-ahead log could not be folded into the data file any more, which
// wants as much room as the log has, and every app's small writes would fail from then on.
func (s *Store) leavesSpare(op string) error {
	free, known := s.free()
	if !known || free >= spareRoom {
		return nil
	}
	return &storage.Error{Code: storage.CodeUnavailable, Op: op,
		Msg:  fmt.Sprintf("the disk is nearly full: it has %d MB free, and the last %d MB are kept for small writes", free>>20, spareRoom>>20),
		Hint: "free some disk space, then try again"}
}

// lengthOf is a file's length, or 0.
func lengthOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Probe implements [storage.Maintenance].
func (s *Store) Probe(ctx context.Context) (read, write time.Duration, err error) {
	const op, name = "probe", "probed"
	start := time.Now()
	_, err = list(ctx, s, op, func(row []driver.Value) string { return row[0].(string) }, "SELECT value FROM config WHERE name = ?", name)
	if read = time.Since(start); err != nil {
		return read, 0, err
	}
	start = time.Now()
	err = wrap(op, s.writer.do(ctx, "", op, func(tx *writeTx) error {
		_, err := tx.write("INSERT INTO config (name, value, updated_at) VALUES (?, 'true', ?) ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at",
			name, start.UnixMilli())
		return err
	}))
	return read, time.Since(start), err
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

func (r *recent) percentiles() (storage.Percentiles[int], storage.Percentiles[time.Duration]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return percentiles[int](r.sizes.Merge(), 1), percentiles(r.times.Merge(), time.Microsecond)
}

func percentiles[T int | time.Duration](h *hdrhistogram.Histogram, unit T) storage.Percentiles[T] {
	at := func(q float64) T { return T(h.ValueAtQuantile(q)) * unit }
	return storage.Percentiles[T]{P50: at(50), P90: at(90), P99: at(99), Max: T(h.Max()) * unit}
}
