package runtime

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"sync"
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
// another is judged. Other runs go on meanwhile.
type watcher struct {
	epoch time.Time

	mu      sync.Mutex
	active  *Exec // the first of a list
	running bool
	heap    heapSample
	metrics [3]metrics.Sample

	judging sync.Mutex // held while suspects are
	last    *Exec      // stopped for its memory and perhaps not gone yet; the loop's
}

type heapSample struct {
	used uint64 // objects, garbage too, and stacks
	live uint64 // what the last collection found, and stacks
}

func newWatcher() *watcher {
	w := &watcher{epoch: time.Now()}
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
}

// await blocks while suspects are held.
func (w *watcher) await() {
	w.judging.Lock()
	defer w.judging.Unlock()
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

// look reports whether there is anything left to watch.
func (w *watcher) look() bool {
	suspects, ok := w.lookAtAll()
	if len(suspects) > 0 {
		w.judge(suspects)
	}
	return ok
}

func (w *watcher) lookAtAll() (suspects []*Exec, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active == nil {
		w.running, w.last = false, nil
		return nil, false
	}
	if w.last != nil && !w.last.watched {
		w.last = nil
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
	return w.ascribe(minus(w.heap.used, before)), true
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

// judge holds the suspects while it finds out how much of the growth is alive,
// and stops the worst of those that are guilty.
func (w *watcher) judge(suspects []*Exec) {
	w.judging.Lock()
	defer w.judging.Unlock()
	for _, x := range suspects {
		x.state.CompareAndSwap(stateRun, stateHold)
	}
	// Gives the memory back too: what a string that was doubled to the limit
	// needed is of no use to the next request.
	debug.FreeOSMemory()
	w.mu.Lock()
	w.heap = w.sample()
	heap := w.heap
	w.mu.Unlock()
	var worst *Exec
	for _, x := range suspects {
		guilty := minus(heap.live, x.base.live) > uint64(x.Limits.Memory)
		if guilty && (worst == nil || x.growth > worst.growth) {
			worst = x
		}
	}
	if worst != nil && w.last == nil {
		w.last = worst
		worst.stop(cause{err: &Error{Code: CodeMemory, Message: "the handler needed too much memory",
			Allowed: fmt.Sprintf("%d MiB", worst.Limits.Memory>>20),
			Used:    fmt.Sprintf("about %d MiB", minus(heap.live, worst.base.live)>>20)}})
	}
	for _, x := range suspects {
		x.growth = 0 // the garbage is gone; what comes next is counted from here
		x.state.CompareAndSwap(stateHold, stateRun)
	}
}

func minus(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}
