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

	// memoryLimit is what Go may take before garbage is collected more often than each
	// time that the heap has doubled: handlers that hold 200 MB for a moment would
	// otherwise have as much garbage beside that. Where half of what is alive finds no
	// room in it, it is as much more: to collect all the time takes half of the processors.
	memoryLimit = 320 << 20
	// limitInterval is how often that is looked at.
	limitInterval = time.Second

	// calmInterval is how often memory is looked at that a burst has left.
	calmInterval = 15 * time.Second
	// calmCycles is how many times the garbage collector may have run since, if the
	// burst is over, and maxFree how much may then be kept for the next, in bytes, and how
	// much was allocated since where it is worth a collection.
	calmCycles = 2
	maxFree    = 16 << 20
)

// tuneMemory has the garbage collector run less often while there is little, and more often
// while there is much, and gives back to the machine what a burst has left, until ctx ends.
// An operator's own settings go before. The result is to be kept for as long as the server
// runs.
func tuneMemory(ctx context.Context) (reserve []byte) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	before := debug.SetMemoryLimit(memoryLimit)
	go func() {
		defer debug.SetMemoryLimit(before)
		calm, limit := time.NewTicker(calmInterval), time.NewTicker(limitInterval)
		defer calm.Stop()
		defer limit.Stop()
		var heap heapWatch
		for {
			select {
			case <-calm.C:
				heap.look()
			case <-limit.C:
				debug.SetMemoryLimit(limitFor(alive()))
			case <-ctx.Done():
				return
			}
		}
	}()
	return make([]byte, heapReserve)
}

// heapWatch notices when a burst is over. Go gives memory back at the pace of the garbage
// collector, which hardly runs any more then.
type heapWatch struct {
	cycles    uint64
	allocated uint64 // bytes, when memory was last given back
}

// look gives back what is free, if little has happened since the last look. What the last
// collection found alive may be garbage by now, so it also looks at what was allocated.
func (w *heapWatch) look() {
	samples := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(samples)
	cycles, free, allocated := samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()
	calm := cycles-w.cycles <= calmCycles
	w.cycles = cycles
	if calm && (free > maxFree || allocated-w.allocated > maxFree) {
		debug.FreeOSMemory()
		w.allocated = allocated
	}
}

// limitFor is how much the process may take, by how much is alive.
func limitFor(alive int64) int64 { return max(memoryLimit, alive+alive/2) }

// alive is what the last collection has found, and stacks, in bytes.
func alive() int64 {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() + samples[1].Value.Uint64())
}
