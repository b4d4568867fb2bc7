package postgres

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// Stats implements [storage.Maintenance]. DataBytes is the size of the whole database,
// as it was a minute ago, or 0 where the database does not say; what its disk has left
// only its operator knows.
func (s *Store) Stats() storage.Stats {
	w := s.writer
	w.mu.Lock()
	stats := storage.Stats{Depth: w.queue.Len(), Delay: w.queue.MaxDelay(min(w.batchTime.Time, maxBatchTime)), Writer: w.queue.Used()}
	w.mu.Unlock()
	stats.Writer[""] += stats.Writer[logsTurn]
	delete(stats.Writer, logsTurn)
	stats.Batches, stats.Commits = w.batches.Load(), w.committed.Load()
	stats.BatchSize, stats.CommitTime = w.recent.Percentiles()
	stats.DataBytes = s.dataBytes.Load()
	return stats
}

// Probe implements [storage.Maintenance].
func (s *Store) Probe(ctx context.Context) (read, write time.Duration, err error) {
	const op, name = "probe", "probed"
	start := time.Now()
	err = s.read(ctx, op, "SELECT value FROM config WHERE name = $1", []any{name}, func(scanFunc) error { return nil })
	if read = time.Since(start); err != nil {
		return read, 0, err
	}
	start = time.Now()
	err = s.write(ctx, "", op, func(tx *writeTx) error {
		return tx.queue(`INSERT INTO config (name, value, updated_at) VALUES ($1, 'true', $2)
			ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at`, name, start.UnixMilli())
	})
	return read, time.Since(start), err
}

const (
	// upkeepInterval is how often a server has kept what is being read on it, see [pins].
	upkeepInterval = 15 * time.Second
	// measureEvery is after how many of those it asks how large the database is.
	measureEvery = 4
)

// upkeep is what each server does for itself, until the store is closed.
func (s *Store) upkeep() {
	tick := time.NewTicker(upkeepInterval)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := s.renewPinned(s.ctx); err != nil && s.ctx.Err() == nil {
			s.logger.Warn("what is being read can't be kept from the sweeper", "err", err)
		}
		if n%measureEvery == 0 {
			s.measure(s.ctx)
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
	}
}

// measure asks how large the database is. Not every one knows.
func (s *Store) measure(ctx context.Context) {
	var size int64
	if found, err := s.readOne(ctx, "measure", "SELECT pg_database_size(current_database())", nil, &size); err == nil && found {
		s.dataBytes.Store(size)
	}
}
