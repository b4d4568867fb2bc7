package runtime

import (
	"cmp"
	"fmt"
	"math"
	goruntime "runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// watchInterval is how late a budget may be noticed.
const watchInterval = 5 * time.Millisecond

// watcher ends the runs that exceed a budget. One goroutine looks at all runs
// every few milliseconds, and only while there are any: that costs a run no
// timer, no context.AfterFunc and no allocation.
//
// Memory is estimated, as Go doesn't tell who allocated. Of the growth of the heap
// between two looks, what a run was charged for by [Hold] is ascribed to it, and
// the rest in equal parts to the runs on a slot. A run to
// which more than its limit has been ascribed is a suspect: it is held at its
// next checkpoint and garbage is collected, for most growth is garbage. If what
// is left has grown past the limit since the run began, and no other run was
// there, it is stopped; if there were others, it is measured which of the suspects
// allocates most, see mostAllocating. One is stopped at a time: its memory has to
// be freed before another is looked at. Other runs go on meanwhile, and a suspect
// whose deadline passes is let go, to end: all of this has a goroutine of its own.
type watcher struct {
	epoch  time.Time
	looked atomic.Int64 // when the last look began, in ns after epoch

	mu        sync.Mutex
	active    *Exec // the first of a list
	running   bool
	heap      heapSample
	metrics   [3]metrics.Sample
	removed   bool  // a run, since the last look
	undecided int   // times in a row that no suspect was stopped; of decide
	deciding  bool  // a goroutine runs decide
	last      *Exec // stopped for its memory, and not gone yet

	held     sync.Mutex // guards nothing but the wait for the next
	released sync.Cond  // a run's state is no longer stateHold
}

type heapSample struct {
	used uint64 // objects, garbage too, and stacks
	live uint64 // what the last collection found, and stacks
}

func newWatcher() *watcher {
	w := &watcher{epoch: time.Now()}
	w.released.L = &w.held
	w.metrics[0].Name = "/memory/classes/heap/objects:bytes"
	w.metrics[1].Name = "/memory/classes/heap/stacks:bytes"
	w.metrics[2].Name = "/gc/heap/live:bytes"
	return w
}

// now is a monotonic time that is never 0.
func (w *watcher) now() int64 { return int64(time.Since(w.epoch)) + 1 }

func (w *watcher) add(x *Exec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		w.running = true
		w.looked.Store(w.now())
		w.heap = w.sample()
		go w.loop()
	}
	x.base, x.watched, x.next = w.heap, true, w.active
	if x.next != nil {
		x.next.prev = x
	}
	w.active = x
}

func (w *watcher) remove(x *Exec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		w.active = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	}
	x.prev, x.next, x.watched, w.removed = nil, nil, false, true
	if w.last == x {
		w.last = nil
	}
}

// await blocks while x is held.
func (w *watcher) await(x *Exec) {
	w.held.Lock()
	defer w.held.Unlock()
	for x.state.Load() == stateHold {
		w.released.Wait()
	}
}

// release wakes the runs that are no longer held.
func (w *watcher) release() {
	w.held.Lock()
	defer w.held.Unlock()
	w.released.Broadcast()
}

func (w *watcher) loop() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for range tick.C {
		if !w.look() {
			return
		}
	}
}

// overdue tells whether a look should have been by now. A native that takes long,
// such as the copying of a large text, holds up the garbage collector, and the
// collector everybody else, the watcher too. So a run that comes to a checkpoint
// looks itself then, before it takes the next such step.
func (w *watcher) overdue() bool { return w.now()-w.looked.Load() > int64(2*watchInterval) }

// look looks at all runs, and reports whether there were any: without, the loop
// that called it has to end. A run that calls it is always there itself.
func (w *watcher) look() bool {
	w.looked.Store(w.now())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active == nil {
		w.running = false
		return false
	}
	for x := w.active; x != nil; x = x.next {
		if x.ctx.Err() != nil {
			x.stop(cause{err: x.wallError()})
		} else if used := x.cpu(); used > x.Limits.CPU {
			x.stop(cause{err: x.cpuError(used)})
		} else if x.pass != nil && x.since.Load() != 0 && x.pass.Yield() {
			x.state.CompareAndSwap(stateRun, stateAway)
		}
	}
	before := w.heap.used
	w.heap = w.sample()
	for x := w.active; x != nil; x = x.next {
		// What was alive when the run began may be gone by now, and would hide
		// as much of what the run has taken since.
		x.base.live = min(x.base.live, w.heap.live)
	}
	if x := w.active; x.next == nil && !w.removed {
		x.peak = max(x.peak, minus(w.heap.live, x.base.live))
	}
	suspects := w.ascribe(minus(w.heap.used, before))
	if len(suspects) > 0 && !w.deciding {
		w.deciding = true
		for _, x := range suspects {
			x.state.CompareAndSwap(stateRun, stateHold)
		}
		go w.decide(suspects)
	}
	return true
}

func (w *watcher) sample() heapSample {
	metrics.Read(w.metrics[:])
	stacks := w.metrics[1].Value.Uint64()
	return heapSample{used: w.metrics[0].Value.Uint64() + stacks, live: w.metrics[2].Value.Uint64() + stacks}
}

// ascribe gives runs what they hold of the growth and shares the rest among those
// on a slot. It returns those of them with more than their limit.
func (w *watcher) ascribe(growth uint64) (suspects []*Exec) {
	var on uint64
	shared := growth
	for x := w.active; x != nil; x = x.next {
		held := min(shared, minus(uint64(x.held.Load()), x.seen))
		x.growth += held
		x.seen += held
		shared -= held
		if x.since.Load() != 0 {
			on++
		}
	}
	for x := w.active; x != nil; x = x.next {
		if x.since.Load() == 0 || on == 0 {
			continue
		}
		if w.active.next == nil && !w.removed {
			x.alone += growth
		}
		if x.growth += shared / on; x.growth > uint64(x.Limits.Memory) {
			suspects = append(suspects, x)
		}
	}
	w.removed = false
	return suspects
}

// decide finds out how much of the growth is alive, stops the worst of the held
// suspects, and lets the others go on.
func (w *watcher) decide(suspects []*Exec) {
	goruntime.GC()
	grown := w.grown(suspects)
	worst := w.ranAlone(grown)
	if worst == nil && len(grown) > 0 {
		// One is stopped in the end: a run that notices that it is measured can
		// keep still.
		if worst = mostAllocating(grown, w.release); worst != nil {
			w.undecided = 0
		} else if w.undecided++; w.undecided > maxUndecided {
			worst, w.undecided = grown[0], 0
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deciding = false
	if worst != nil && worst.watched && w.last == nil {
		w.last = worst
		worst.stop(cause{err: worst.memoryError(fmt.Sprintf("about %d MiB", minus(w.heap.live, worst.base.live)>>20))})
	}
	for _, x := range suspects {
		x.growth, x.alone = 0, 0 // the garbage is gone; what comes next is counted from here
		x.state.CompareAndSwap(stateHold, stateRun)
	}
	w.release()
}

// maxMeasured bounds the suspects that are measured, and so for how long they are
// held; maxUndecided is how many times in a row none is stopped though memory has
// grown past the limit of one.
const (
	maxMeasured  = 8
	maxUndecided = 1
)

// grown are the suspects since whose beginning what is alive has grown by more
// than their limit, which may have been others: those first to whom most has been
// ascribed.
func (w *watcher) grown(suspects []*Exec) (grown []*Exec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heap = w.sample()
	for _, x := range suspects {
		if x.watched && minus(w.heap.live, x.base.live) > uint64(x.Limits.Memory) {
			grown = append(grown, x)
		}
	}
	slices.SortStableFunc(grown, func(a, b *Exec) int { return cmp.Compare(b.growth, a.growth) })
	return grown[:min(len(grown), maxMeasured)]
}

// ranAlone returns the suspect to which more than its limit was ascribed while
// there was no other run, or nil.
func (w *watcher) ranAlone(suspects []*Exec) *Exec {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range suspects {
		if x.alone > uint64(x.Limits.Memory) {
			return x
		}
	}
	return nil
}

const (
	// measureTime is how long a suspect goes on while the others are held.
	measureTime = 2 * time.Millisecond
	// measurements is how many there are of each suspect. The least counts: runs
	// that have just begun are not held, and what they allocate would count as the
	// suspect's.
	measurements = 3
	// leastAllocated is what a suspect allocates in a measurement, at least, if it
	// is to be stopped.
	leastAllocated = 256 << 10
)

// mostAllocating picks the suspect, all of them held, to be stopped, or nil.
// What was ascribed to a run tells little if others computed beside it: one that
// only counts gets as much as one that eats memory. So each goes on for a moment
// while the others are held, and the one that allocates most is picked. It may
// all be garbage: which of two runs that allocate keeps it, nobody can tell.
func mostAllocating(suspects []*Exec, release func()) (worst *Exec) {
	threshold := leastAllocated + 2*allocatedIn(measureTime) // by those that aren't suspects
	allocated := make([]uint64, len(suspects))
	for i := range allocated {
		allocated[i] = math.MaxUint64
	}
	for range measurements {
		for i, x := range suspects {
			if !x.state.CompareAndSwap(stateHold, stateRun) {
				continue // it has ended, or has to leave its slot first
			}
			release()
			allocated[i] = min(allocated[i], allocatedIn(measureTime))
			x.state.CompareAndSwap(stateRun, stateHold)
		}
	}
	for i, x := range suspects {
		if n := allocated[i]; n != math.MaxUint64 && n > threshold {
			worst, threshold = x, n
		}
	}
	return worst
}

// allocatedIn waits, and returns how many bytes were allocated meanwhile.
func allocatedIn(d time.Duration) uint64 {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(allocated)
	before := allocated[0].Value.Uint64()
	time.Sleep(d)
	metrics.Read(allocated)
	return allocated[0].Value.Uint64() - before
}

func minus(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}
