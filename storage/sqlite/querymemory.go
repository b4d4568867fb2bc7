package sqlite

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// queryMemory is by how many bytes the process may grow while an operator's
	// query runs. What a query sorts, groups or counts apart is in memory until it
	// ends, and SQLite bounds that for the whole process or not at all.
	queryMemory = 128 << 20
	// memoryPeriod is how often the process is measured. A query that fills memory
	// as fast as the machine can gets some 10 MB further in that time.
	memoryPeriod = 5 * time.Millisecond
)

// keptMemory is by how many bytes the process may have grown after a query without
// being made to give memory back, which takes some milliseconds.
const keptMemory = 16 << 20

// memoryWatch ends a query that takes too much memory.
type memoryWatch struct {
	stop     func()
	exceeded atomic.Bool
}

// watchMemory returns a context for a query, which ends with it when the process
// grows too far. Where the process can't be measured, see [residentBytes], nothing is
// watched.
func watchMemory(ctx context.Context) (context.Context, *memoryWatch) {
	w := &memoryWatch{stop: func() {}}
	before, ok := residentBytes()
	if !ok {
		return ctx, w
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(memoryPeriod)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				now, _ := residentBytes()
				if now > before+queryMemory {
					w.exceeded.Store(true)
					cancel()
				}
			}
		}
	}()
	w.stop = func() {
		cancel()
		<-ended
		if now, _ := residentBytes(); now > before+keptMemory {
			releaseMemory()
		}
	}
	return ctx, w
}

// err is what the query failed with, if that was its memory.
func (w *memoryWatch) err(op string) error {
	if !w.exceeded.Load() {
		return nil
	}
	return &storage.Error{Code: storage.CodeQuotaExceeded, Op: op, Msg: "the query needs more than 128 MiB of memory beside the server's own",
		Hint: "read fewer rows with WHERE, or sort with a LIMIT"}
}
