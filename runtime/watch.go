package runtime

import (
	"fmt"
	goruntime "runtime"
	"runtime/metrics"
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
// Memory is estimated, as Go doesn't tell who allocated. The growth of the heap
// between two looks is ascribed in equal parts to the runs on a slot. A run to
// which more than its limit has been ascribed is a suspect: it is held at its
// next checkpoint and garbage is collected, for most growth is garbage. If what
// is left has grown past the limit since the run began, the suspect with the
// largest share is stopped. One at a time: its memory has to be freed before
// another is judged. Other runs go on meanwhile, and a suspect whose deadline
// passes is let go, to end: the collection is on a goroutine of its own.
type watcher struct {
	epoch  time.Time
	looked atomic.Int64 // when the last look began, in ns after epoch

	mu      sync.Mutex
	active  *Exec // the first of a list
	running bool
	heap    heapSample
	metrics [3]metrics.Sample
	judging bool  // a goroutine collects garbage for a verdict
	last    *Exec // stopped for its memory, and not gone yet

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
	x.prev, x.next, x.watched = nil, nil, false
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

// look reports whether there is anything left to watch.
func (w *watcher) look() bool {
	w.looked.Store(w.now())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active == nil {
		w.running = false
		return false
	}
	for x := w.active; x != nil; x = x.next {
		if x.place.Load() == placeBrief {
			x.retake()
		}
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
	suspects := w.ascribe(minus(w.heap.used, before))
	if len(suspects) > 0 && !w.judging {
		w.judging = true
		for _, x := range suspects {
			x.state.CompareAndSwap(stateRun, stateHold)
		}
		go w.judge(suspects)
	}
	return true
}

func (w *watcher) sample() heapSample {
	metrics.Read(w.metrics[:])
	stacks := w.metrics[1].Value.Uint64()
	return heapSample{used: w.metrics[0].Value.Uint64() + stacks, live: w.metrics[2].Value.Uint64() + stacks}
}

// ascribe shares growth among the runs on a slot, and returns those with more
// than their limit.
func (w *watcher) ascribe(growth uint64) (suspects []*Exec) {
	var on uint64
	for x := w.active; x != nil; x = x.next {
		if x.since.Load() != 0 {
			on++
		}
	}
	for x := w.active; x != nil; x = x.next {
		if x.since.Load() == 0 || on == 0 {
			continue
		}
		if x.growth += growth / on; x.growth > uint64(x.Limits.Memory) {
			suspects = append(suspects, x)
		}
	}
	return suspects
}

// judge finds out how much of the growth is alive, stops the worst of the held
// suspects that are guilty, and lets the others go on.
func (w *watcher) judge(suspects []*Exec) {
	goruntime.GC()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heap, w.judging = w.sample(), false
	var worst *Exec
	for _, x := range suspects {
		guilty := x.watched && minus(w.heap.live, x.base.live) > uint64(x.Limits.Memory)
		if guilty && (worst == nil || x.growth > worst.growth) {
			worst = x
		}
	}
	if worst != nil && w.last == nil {
		w.last = worst
		worst.stop(cause{err: &Error{Code: CodeMemory, Message: "the handler needed too much memory",
			Allowed: fmt.Sprintf("%d MiB", worst.Limits.Memory>>20),
			Used:    fmt.Sprintf("about %d MiB", minus(w.heap.live, worst.base.live)>>20)}})
	}
	for _, x := range suspects {
		x.growth = 0 // the garbage is gone; what comes next is counted from here
		x.state.CompareAndSwap(stateHold, stateRun)
	}
	w.release()
}

func minus(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}
