package cli

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// heapReserve is memory that is never touched, and so never taken from the machine.
	// The garbage collector counts it: instead of each time that the heap of a small
	// server has doubled, which is after some hundred requests, it runs when 32 MiB have
	// been allocated.
	heapReserve = 32 << 20

	// calmInterval is how often memory is looked at that a burst has left.
	calmInterval = 15 * time.Second
	// calmCycles is how many times the garbage collector may have run since, if the
	// burst is over, and maxFree how much may then be kept for the next, in bytes.
	calmCycles = 2
	maxFree    = 16 << 20
)

// tuneMemory has the garbage collector run less often, and gives back to the machine what
// a burst has left, until ctx ends. An operator's own settings go before. The result is to
// be kept for as long as the server runs.
func tuneMemory(ctx context.Context) (reserve []byte) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	go func() {
		tick := time.NewTicker(calmInterval)
		defer tick.Stop()
		var heap heapWatch
		for {
			select {
			case <-tick.C:
				heap.look()
			case <-ctx.Done():
				return
			}
		}
	}()
	return make([]byte, heapReserve)
}

// heapWatch notices when a burst is over. Go gives memory back at the pace of the garbage
// collector, which hardly runs any more then.
type heapWatch struct{ cycles uint64 }

// look gives back what is free, if little has happened since the last look.
func (w *heapWatch) look() {
	samples := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(samples)
	cycles, free := samples[0].Value.Uint64(), samples[1].Value.Uint64()
	calm := cycles-w.cycles <= calmCycles
	w.cycles = cycles
	if calm && free > maxFree {
		debug.FreeOSMemory()
	}
}
