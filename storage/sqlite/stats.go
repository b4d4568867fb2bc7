package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// Stats implements [storage.Maintenance].
func (s *Store) Stats() storage.Stats {
	w := s.writer
	w.mu.Lock()
	stats := storage.Stats{Depth: w.queue.Len(), Delay: w.queue.MaxDelay(min(w.batchTime.Time, maxBatchTime)), Writer: w.queue.Used()}
	w.mu.Unlock()
	stats.Batches, stats.Commits = w.batches.Load(), w.commits.Load()
	stats.BatchSize, stats.CommitTime = w.recent.Percentiles()
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
